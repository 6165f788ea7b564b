import { spawn } from "node:child_process";
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * Runs a program on this terminal and returns its exit code (128 + the signal's number where a signal ended it).
 * The program leads a process group of its own, so that a signal to us ends its children too, even those that a
 * terminal's Ctrl-C would not reach; after `graceMs` by force. One that cannot be started returns 127. What it prints goes to `output`, a file descriptor, if given.
 */
export function runInForeground(command, args, options = {}) {
  const { env = process.env, graceMs = 5000, output = "inherit" } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", output, output], env, detached: true });
    let force;
    const forward = (signal) => {
      signalGroup(child.pid, signal);
      force ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), graceMs);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    const settle = (code) => {
      clearTimeout(force);
      for (const signal of SIGNALS) process.off(signal, forward);
      resolve(code);
    };
    child.once("error", (error) => {
      console.error(`${command}: ${error.message}`);
      settle(127);
    });
    child.once("exit", (code, signal) => {
      // What the program left behind in its group has nobody to end it but us.
      if (force) signalGroup(child.pid, "SIGKILL");
      settle(code ?? 128 + constants.signals[signal]);
    });
  });
}

function signalGroup(leader, signal) {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // The group may have ended by itself meanwhile.
    if (error.code !== "ESRCH") throw error;
  }
}
