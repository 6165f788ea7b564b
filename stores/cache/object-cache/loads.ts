import { channels, publish, type ObjectCacheEvent } from "../../../telemetry/channels.ts";
import { awaitLoad } from "./await-load.ts";
import type { Entries, Entry } from "./entries.ts";
import { isDueEarly } from "./expiry.ts";
import { Filler } from "./filler.ts";
import { Flights } from "./flights.ts";
import type { LoadTask } from "./loader.ts";
import type { Settings } from "./settings.ts";

/** What a caller has in hand. */
export interface Known<Value> {
  readonly entry?: Entry<Value> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Since when it asks, by `performance.now()`. */
  readonly askedAt?: number;
}

/** Loads that the callers of this process share. */
export class Loads<Value> {
  readonly #settings: Settings<Value>;
  readonly #filler: Filler<Value>;
  readonly #flights = new Flights<Value | null | undefined>();
  readonly #refreshing = new Set<string>();

  constructor(entries: Entries<Value>, settings: Settings<Value>) {
    this.#settings = settings;
    this.#filler = new Filler(entries, settings);
  }

  /** What is kept where that is fresh, else what is loaded. */
  async current(key: string, task: LoadTask<Value>, known: Known<Value>): Promise<Value | null | undefined> {
    const { entry } = known;
    if (entry?.fresh === true) {
      this.#tell("hit", known);
      this.#refreshIfDue(key, task, entry);
      return entry.value;
    }
    if (this.#settings.guard?.mayExist(key) !== false) return this.load(key, task, known);
    this.#tell("refused", known);
    return null;
  }

  async load(key: string, task: LoadTask<Value>, known: Known<Value>): Promise<Value | null | undefined> {
    const { hardDeadlineMs, softDeadlineMs } = this.#settings.load;
    const { entry, signal } = known;
    let outcome: ObjectCacheEvent["outcome"] = "error";
    const onGiven = (): void => void (outcome = "stale");
    const grace = entry && { value: entry.value, afterMs: softDeadlineMs, onGiven };
    try {
      signal?.throwIfAborted();
      const value = await awaitLoad(this.#share(key, task, signal), { signal, hardDeadlineMs, grace });
      if (outcome === "error") outcome = "miss";
      return value;
    } finally {
      this.#tell(outcome, known);
    }
  }

  /** Whoever asks from now on does not get what is being loaded. */
  forget(key: string): void {
    this.#flights.forget(key);
  }

  forgetAll(): void {
    this.#flights.forgetAll();
  }

  /** Where its leader fails, or takes too long, one of those who wait loads in its place. */
  async #share(
    key: string,
    task: LoadTask<Value>,
    signal: AbortSignal | undefined,
  ): Promise<Value | null | undefined> {
    const leader = this.#flights.get(key);
    if (!leader) return this.#flights.start(key, () => this.#filler.fill(key, task));
    task.onWait?.();
    try {
      return await awaitLoad(leader, { signal, hardDeadlineMs: this.#settings.load.waitMs });
    } catch {
      signal?.throwIfAborted();
      const now = this.#flights.get(key);
      if (now && now !== leader) return now;
      // One that is under way still has the lease.
      return this.#flights.start(key, () =>
        now ? this.#filler.loadAlone(key, task) : this.#filler.fill(key, task),
      );
    }
  }

  #tell(outcome: ObjectCacheEvent["outcome"], { askedAt }: Known<Value>): void {
    if (askedAt === undefined) return;
    publish(channels.objectCache, () => ({
      cache: this.#settings.name,
      outcome,
      durationMs: performance.now() - askedAt,
    }));
  }

  #refreshIfDue(key: string, task: LoadTask<Value>, entry: Entry<Value>): void {
    const { beta } = this.#settings.load;
    if (beta === 0 || this.#refreshing.has(key)) return;
    if (!isDueEarly(entry.frame, { now: Date.now(), beta, random: Math.random() })) return;
    this.#refreshing.add(key);
    const refreshed = this.#filler.refresh(key, task, entry);
    // The value is fresh: whoever asks after its end sees why it cannot be made.
    void refreshed.catch(() => {}).finally(() => this.#refreshing.delete(key));
  }
}
