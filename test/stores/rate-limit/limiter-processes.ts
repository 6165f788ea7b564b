import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";

/** What a process of `limiter-process.ts` can be told to do; it answers each order once it is carried out. */
export type Order =
  | { readonly kind: "connect"; readonly url: string }
  | { readonly kind: "skew"; readonly byMs: number }
  | { readonly kind: "serve"; readonly policies: readonly RateLimitPolicy[] }
  | {
      readonly kind: "hammer";
      readonly key: string;
      readonly policies: readonly RateLimitPolicy[];
      /** Calls under way at the same time. */
      readonly inFlight: number;
      readonly calls?: number;
      readonly forMs?: number;
      readonly leased?: boolean;
      /** A file that gets a line for every unit admitted: when it was asked for, and the end of its window. */
      readonly journal?: string;
    };

export interface Hammered {
  readonly admitted: number;
  readonly refused: number;
  /** Calls whose outcome is unknown. */
  readonly failed: number;
  /** Units admitted by the mark of their window. */
  readonly windows: Readonly<Record<string, number>>;
}

export interface LimiterProcess {
  order<Answer = object>(order: Order): Promise<Answer>;
  kill(): void;
}

const script = fileURLToPath(new URL("limiter-process.ts", import.meta.url));

/** Starts processes for the time of the surrounding `describe`, each with a connection of its own. */
export function useLimiterProcesses(count: number, url: () => string): () => readonly LimiterProcess[] {
  let children: ChildProcess[] = [];
  let processes: LimiterProcess[] = [];
  before(async function () {
    this.timeout(60_000);
    children = Array.from({ length: count }, () => fork(script));
    processes = children.map(limiterProcess);
    await Promise.all(processes.map((process) => process.order({ kind: "connect", url: url() })));
  });
  after(async () => {
    await Promise.all(children.map(end));
  });
  return () => processes;
}

function limiterProcess(child: ChildProcess): LimiterProcess {
  return {
    async order<Answer>(order: Order): Promise<Answer> {
      const listening = new AbortController();
      const { signal } = listening;
      const answered = Promise.race([
        once(child, "message", { signal }).then(([answer]) => answer as Answer),
        once(child, "exit", { signal }).then(() => Promise.reject(new Error("the process has ended"))),
      ]);
      child.send(order);
      return answered.finally(() => listening.abort());
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** Adds up what several processes were given. */
export function total(parts: readonly Hammered[]): Hammered {
  const sum = { admitted: 0, refused: 0, failed: 0, windows: {} as Record<string, number> };
  for (const { admitted, refused, failed, windows } of parts) {
    sum.admitted += admitted;
    sum.refused += refused;
    sum.failed += failed;
    for (const [window, units] of Object.entries(windows))
      sum.windows[window] = (sum.windows[window] ?? 0) + units;
  }
  return sum;
}
