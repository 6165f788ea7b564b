import type { Entries, Entry, Lead } from "./entries.ts";
import type { TagStamp } from "./frame.ts";
import { runLoader, type Loaded, type LoadTask } from "./loader.ts";
import { pause, pollPauses } from "./pauses.ts";
import type { Settings } from "./settings.ts";
import { unlessAway } from "./unless-away.ts";

type Stamps = readonly TagStamp[] | undefined;

/** Makes values: one process of all at a time for each key, by the store's leases. */
export class Filler<Value> {
  readonly #entries: Entries<Value>;
  readonly #load: Settings<Value>["load"];

  constructor(entries: Entries<Value>, { load }: Settings<Value>) {
    this.#entries = entries;
    this.#load = load;
  }

  /** Loads as the leader of the key, or waits until somebody else has; after `waitMs` loads alone. */
  async fill(key: string, task: LoadTask<Value>): Promise<Value | null | undefined> {
    const waitUntil = performance.now() + this.#load.waitMs;
    const nextPause = pollPauses();
    for (;;) {
      const { lead, stamps } = await this.#lead(key, task);
      if (!lead) return (await this.#run(key, task, stamps)).value;
      if (lead.token !== undefined && lead.entry?.fresh === true) {
        this.#entries.abandon(key, lead.token);
        return lead.entry.value;
      }
      if (lead.token !== undefined) return this.#keep(key, task, { token: lead.token, stamps });
      task.onWait?.();
      const leftMs = waitUntil - performance.now();
      if (leftMs <= 0) return this.loadAlone(key, task);
      await pause(Math.min(nextPause(), lead.busyMs, leftMs));
      const entry = await this.#find(key, task);
      if (entry?.fresh === true) return entry.value;
    }
  }

  /** Makes a value anew in place of `seen`, which is still fresh, unless somebody does or has done so. */
  async refresh(key: string, task: LoadTask<Value>, seen: Entry<Value>): Promise<void> {
    const { lead, stamps } = await this.#lead(key, task);
    if (lead?.token === undefined) return;
    const replaced = lead.entry?.frame.storedAt !== seen.frame.storedAt;
    if (replaced) this.#entries.abandon(key, lead.token);
    else await this.#keep(key, task, { token: lead.token, stamps });
  }

  /** Loads what will not be kept: for those whose leader takes too long. */
  async loadAlone(key: string, task: LoadTask<Value>): Promise<Value | null | undefined> {
    return (await this.#run(key, task, undefined)).value;
  }

  /** The stamps are read before the load, so that a purge during the load is seen in the value. */
  async #lead(
    key: string,
    { tags }: LoadTask<Value>,
  ): Promise<{ readonly lead: Lead<Value> | undefined; readonly stamps: Stamps }> {
    const [lead, stamps] = await Promise.all([
      unlessAway(this.#entries.lead(key, tags)),
      this.#stampTags(tags),
    ]);
    return { lead, stamps };
  }

  async #find(key: string, { tags }: LoadTask<Value>): Promise<Entry<Value> | undefined> {
    return (await unlessAway(this.#entries.find([key], tags)))?.[0];
  }

  #stampTags(tags: readonly string[]): Promise<Stamps> {
    return unlessAway(this.#entries.stamp(tags));
  }

  /** Refused by the store where the key was written or deleted meanwhile, or the lease is over: what was begun before. */
  async #keep(
    key: string,
    task: LoadTask<Value>,
    { token, stamps: before }: { readonly token: string; readonly stamps: Stamps },
  ): Promise<Value | null | undefined> {
    try {
      const { value, ttlMs, loadMs, stamps } = await this.#run(key, task, before);
      if (value === undefined || ttlMs === 0 || !stamps) {
        this.#entries.abandon(key, token);
        return value;
      }
      const frame = this.#entries.frame({ value, ttlMs, loadMs, stamps });
      const filled = await unlessAway(this.#entries.fill(key, token, frame));
      // A store that has refused the value, being full for example, still has the lease.
      if (filled === undefined) this.#entries.abandon(key, token);
      return value;
    } catch (error) {
      this.#entries.abandon(key, token);
      throw error;
    }
  }

  #run(key: string, { loader }: LoadTask<Value>, stamps: Stamps): Promise<Loaded<Value>> {
    const { hardDeadlineMs } = this.#load;
    return runLoader(key, loader, {
      stamps,
      stampTags: (tags) => this.#stampTags(tags),
      hardDeadlineMs,
    });
  }
}
