import { LoadTimeoutError } from "../../errors.ts";
import { assertCount } from "../../options.ts";
import { LONGEST_TTL_MS, type TagStamp } from "./frame.ts";
import { assertTags } from "./tags.ts";

/** What a loader may say of the value that it is making. */
export interface LoadContext {
  readonly key: string;
  /** Aborts once `hardDeadlineMs` is over: nobody waits any longer, and the value will not be kept. */
  readonly signal: AbortSignal;
  /** How long this value is fresh, in place of the cache's own time; 0 gives it to those who wait and keeps it not. */
  setTtlMs(ttlMs: number): void;
  /**
   * Tags this value, beside the tags of the call. To be awaited before what the tags stand for is read: a purge between
   * that reading and this call is not seen. Never rejects for a store that cannot be asked; the value is then not kept.
   * Tags that are none are a TypeError, here and to the callers.
   */
  addTags(...tags: readonly string[]): Promise<void>;
}

/** Makes a value. Null says that there is none, and is kept; undefined is not. */
export type Loader<Value> = (
  context: LoadContext,
) => Promise<Value | null | undefined> | Value | null | undefined;

/** Who loads what. */
export interface LoadTask<Value> {
  readonly loader: Loader<Value>;
  readonly tags: readonly string[];
  /** Called where the load of somebody else is waited for. */
  readonly onWait?: () => void;
}

export interface Loaded<Value> {
  readonly value: Value | null | undefined;
  readonly ttlMs: number | undefined;
  readonly loadMs: number;
  /** Undefined where not all of them could be read: a purge would miss the value. */
  readonly stamps: readonly TagStamp[] | undefined;
}

type StampTags = (tags: readonly string[]) => Promise<readonly TagStamp[] | undefined>;

/** Runs a loader to its end or the deadline. Rejects with what it throws, or with a `LoadTimeoutError`. */
export async function runLoader<Value>(
  key: string,
  loader: Loader<Value>,
  options: {
    readonly stamps: readonly TagStamp[] | undefined;
    readonly stampTags: StampTags;
    readonly hardDeadlineMs: number;
  },
): Promise<Loaded<Value>> {
  const { stampTags, hardDeadlineMs } = options;
  let { stamps } = options;
  let ttl: number | undefined;
  const deadline = new AbortController();
  const { signal } = deadline;
  const tagging: Promise<void>[] = [];
  const addStamps = async (tags: readonly string[]): Promise<void> => {
    assertTags(tags);
    const added = await stampTags(tags);
    stamps = added && stamps && merged(stamps, added);
  };
  const context: LoadContext = {
    key,
    signal,
    setTtlMs(ttlMs) {
      if (ttlMs !== 0) assertCount(ttlMs, "setTtlMs", LONGEST_TTL_MS);
      ttl = ttlMs;
    },
    addTags(...tags) {
      const adding = addStamps(tags);
      tagging.push(adding);
      adding.catch(() => {}); // the load rejects with it
      return adding;
    },
  };
  const startedAt = performance.now();
  const timer = setTimeout(
    () => deadline.abort(new LoadTimeoutError(`a value was not loaded within ${hardDeadlineMs} ms`)),
    hardDeadlineMs,
  );
  try {
    const value = await Promise.race([loaded(loader, context, tagging), abortOf(signal)]);
    return { value, ttlMs: ttl, loadMs: performance.now() - startedAt, stamps };
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects once the signal aborts. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

/**
 * A loader that throws at once rejects too. One that did not wait for its tags has them nevertheless: no purge would find
 * the value without.
 */
async function loaded<Value>(
  loader: Loader<Value>,
  context: LoadContext,
  tagging: readonly Promise<void>[],
): Promise<Value | null | undefined> {
  const value = await loader(context);
  await Promise.all(tagging);
  return value;
}

/** Of a tag that comes twice the earlier stamp counts. */
function merged(stamps: readonly TagStamp[], added: readonly TagStamp[]): readonly TagStamp[] {
  const news = added.filter(({ tag }) => stamps.every((stamp) => stamp.tag !== tag));
  const all = [...stamps, ...news];
  assertTags(all.map(({ tag }) => tag));
  return all;
}
