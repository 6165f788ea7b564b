import type { CreateRedisOptions } from "./client-options.ts";

/** Exponential with full jitter below the cap, so that a fleet does not come back in step. */
export function reconnectDelay({
  maxReconnectDelayMs = 1500,
}: CreateRedisOptions): (attempt: number) => number {
  return (attempt) => {
    const ceiling = Math.min(maxReconnectDelayMs, 50 * 2 ** Math.min(attempt, 16));
    return Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
  };
}
