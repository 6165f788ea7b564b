import { LRUCache } from "lru-cache";
import { STAMP_LIFE_MS } from "../contract.ts";
import { stampStanding } from "../stamp-standing.ts";
import { jitteredTtlMs } from "./expiry.ts";
import { decodeFrame, encodeFrame, type Frame, type TagStamp } from "./frame.ts";
import type { Settings } from "./settings.ts";

/** A value that may be used, if need be. */
export interface Entry<Value> {
  readonly value: Value | null;
  /** False where its time is over, or a tag was softly purged: it is there for grace only. */
  readonly fresh: boolean;
  readonly frame: Frame;
}

/** A value to be kept. */
export interface Made<Value> {
  readonly value: Value | null;
  /** Undefined for the cache's own. */
  readonly ttlMs?: number | undefined;
  readonly loadMs: number;
  readonly stamps: readonly TagStamp[];
}

export interface Lead<Value> {
  readonly token: string | undefined;
  readonly entry: Entry<Value> | undefined;
  readonly busyMs: number;
}

/** Keys whose tags are remembered, so that their stamps are read along with them. */
const REMEMBERED_KEYS = 10_000;

/** Values as the store keeps them. Rejects as the store does. */
export class Entries<Value> {
  readonly #settings: Settings<Value>;
  readonly #tagsOf = new LRUCache<string, readonly string[]>({ max: REMEMBERED_KEYS });

  constructor(settings: Settings<Value>) {
    this.#settings = settings;
  }

  /**
   * What is kept under keys, in their order. One that was made without one of `tags` is missing: a purge of that tag
   * could not be seen in it.
   */
  async find(
    keys: readonly string[],
    tags: readonly string[],
  ): Promise<readonly (Entry<Value> | undefined)[]> {
    const asked = [...new Set([...tags, ...keys.flatMap((key) => this.#tagsOf.get(key) ?? [])])];
    const ids = keys.map((key) => this.#id(key));
    const { values, stamps } = await this.#settings.store.read(ids, asked);
    const known = new Map(asked.map((tag, at) => [tag, stamps[at]]));
    const entries = await this.#judge(values, known, tags);
    for (const [at, entry] of entries.entries()) this.#rememberTags(keys[at] ?? "", entry?.frame);
    return entries;
  }

  async lead(key: string, tags: readonly string[]): Promise<Lead<Value>> {
    const { token, value, busyMs } = await this.#settings.store.lead(
      this.#id(key),
      this.#settings.load.leaseMs,
    );
    try {
      const [entry] = value ? await this.#judge([value], new Map(), tags) : [];
      return { token, entry, busyMs };
    } catch (error) {
      if (token !== undefined) this.abandon(key, token);
      throw error;
    }
  }

  /** What is kept of a value from now on. Throws what the codec throws. */
  frame({ value, ttlMs, loadMs, stamps }: Made<Value>): Frame {
    const { codec, load, nullTtlMs, ttlMs: usualTtlMs } = this.#settings;
    const wanted = ttlMs ?? (value === null ? nullTtlMs : usualTtlMs);
    return {
      storedAt: Date.now(),
      ttlMs: jitteredTtlMs(wanted, load.jitter, Math.random()),
      loadMs,
      stamps,
      body: value === null ? null : codec.encode(value),
    };
  }

  async fill(key: string, token: string, frame: Frame): Promise<boolean> {
    this.#rememberTags(key, frame);
    const { store } = this.#settings;
    return store.fill(this.#id(key), { token, value: encodeFrame(frame), ttlMs: this.#keptMs(frame) });
  }

  /** In the background: a lease that is not given back ends by itself. */
  abandon(key: string, token: string): void {
    this.#settings.store.abandon(this.#id(key), token).catch(() => {});
  }

  /** @throws what the codec throws */
  async set(key: string, made: Made<Value>): Promise<void> {
    const frame = this.frame(made);
    this.#rememberTags(key, frame);
    await this.#settings.store.set(this.#id(key), encodeFrame(frame), this.#keptMs(frame));
  }

  delete(key: string): Promise<boolean> {
    return this.#settings.store.delete(this.#id(key));
  }

  async stamp(tags: readonly string[]): Promise<readonly TagStamp[]> {
    if (tags.length === 0) return [];
    const stamps = await this.#settings.store.stamp(tags);
    return tags.map((tag, at) => ({ tag, stamp: stamps[at] ?? "" }));
  }

  /** A colon cannot be in a name, so no name and key look like another pair. */
  #id(key: string): string {
    return `${this.#settings.name}:${key}`;
  }

  #keptMs({ ttlMs, stamps }: Frame): number {
    const keptMs = ttlMs + this.#settings.graceMs;
    return stamps.length === 0 ? keptMs : Math.min(keptMs, STAMP_LIFE_MS);
  }

  #rememberTags(key: string, frame: Frame | undefined): void {
    if (frame && frame.stamps.length > 0)
      this.#tagsOf.set(
        key,
        frame.stamps.map(({ tag }) => tag),
      );
    else this.#tagsOf.delete(key);
  }

  async #judge(
    values: readonly (Buffer | undefined)[],
    known: Map<string, string | undefined>,
    tags: readonly string[],
  ): Promise<(Entry<Value> | undefined)[]> {
    const frames = values.map((value) => value && decodeFrame(value));
    const unknown = new Set(
      frames
        .flatMap((frame) => frame?.stamps ?? [])
        .map(({ tag }) => tag)
        .filter((tag) => !known.has(tag)),
    );
    if (unknown.size > 0) {
      const { stamps } = await this.#settings.store.read([], [...unknown]);
      for (const [at, tag] of [...unknown].entries()) known.set(tag, stamps[at]);
    }
    return frames.map((frame) => frame && this.#entry(frame, known, tags));
  }

  #entry(
    frame: Frame,
    known: ReadonlyMap<string, string | undefined>,
    tags: readonly string[],
  ): Entry<Value> | undefined {
    const { stamps, storedAt, ttlMs, body } = frame;
    if (tags.some((tag) => stamps.every((kept) => kept.tag !== tag))) return undefined;
    const standing = stampStanding(
      stamps.map(({ stamp }) => stamp),
      stamps.map(({ tag }) => known.get(tag)),
    );
    const ageMs = Date.now() - storedAt;
    if (standing === "invalid" || ageMs >= ttlMs + this.#settings.graceMs) return undefined;
    const fresh = standing === "current" && ageMs < ttlMs;
    if (body === null) return { value: null, fresh, frame };
    try {
      const value = this.#settings.codec.decode(body) as Value | undefined;
      return value === undefined ? undefined : { value, fresh, frame };
    } catch {
      return undefined;
    }
  }
}
