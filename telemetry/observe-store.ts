import { channels, publish, type StoreEvent } from "./channels.ts";
import { errorCode } from "./error-code.ts";

export interface StoreOperation<Reply> {
  readonly store: StoreEvent["store"];
  /** From the store's own fixed set: it becomes a metric's label. */
  readonly operation: string;
  /** What a reply means, where that is more than `ok`. */
  readonly outcomeOf?: ((reply: Reply) => "ok" | "hit" | "miss") | undefined;
}

/** Runs one operation of a store, and publishes what came of it where somebody listens. */
export function observeStore<Reply>(
  operation: StoreOperation<Reply>,
  run: () => Promise<Reply>,
): Promise<Reply> {
  return channels.store.hasSubscribers ? published(operation, run) : run();
}

async function published<Reply>(
  { store, operation, outcomeOf = () => "ok" }: StoreOperation<Reply>,
  run: () => Promise<Reply>,
): Promise<Reply> {
  const startedAt = performance.now();
  const report = (outcome: StoreEvent["outcome"], code?: string): void =>
    publish(channels.store, () => ({
      store,
      operation,
      outcome,
      durationMs: performance.now() - startedAt,
      ...(code === undefined ? {} : { code }),
    }));
  try {
    const reply = await run();
    report(outcomeOf(reply));
    return reply;
  } catch (error) {
    report("error", errorCode(error));
    throw error;
  }
}
