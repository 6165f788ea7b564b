import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { useProcesses, type OrderedProcess } from "../../support/processes.ts";

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

export type LimiterProcess = OrderedProcess<Order>;

const script = new URL("limiter-process.ts", import.meta.url);

/** Starts processes for the time of the surrounding `describe`, each with a connection of its own. */
export function useLimiterProcesses(count: number, url: () => string): () => readonly LimiterProcess[] {
  return useProcesses<Order>(script, count, () => ({ kind: "connect", url: url() }));
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
