import { assertCount, assertOptionNames, assertStore, LONGEST_TIMER_MS } from "../../options.ts";
import type { CacheStore } from "../contract.ts";
import { LONGEST_TTL_MS } from "./frame.ts";
import { jsonCodec, type ObjectCodec } from "./codec.ts";

/** Says which keys cannot exist; a `BloomGuard` is one. */
export interface KeyGuard {
  mayExist(key: string): boolean;
  add(key: string): void;
}

export interface ObjectCacheOptions<Value> {
  readonly store: CacheStore;
  /** How long a value is fresh at most, milliseconds. Each is fresh for up to a tenth less; see `load.jitter`. */
  readonly ttlMs: number;
  /**
   * How long a null is fresh, milliseconds: what does not exist may come to be at any time, and whoever makes it may
   * not know that its absence is kept. Default a tenth of `ttlMs`.
   */
  readonly nullTtlMs?: number;
  /**
   * How long after its time a value is kept, to be given where its loader fails or is slow, milliseconds. Default 0:
   * nobody gets a value older than `ttlMs`, and everybody gets the loader's errors.
   */
  readonly graceMs?: number;
  /**
   * Keeps the keys of several caches in one store apart: 1 to 64 letters, digits or `_ . -`. Default `objects`; caches
   * of one name share their values.
   */
  readonly name?: string;
  /** Default JSON, for which a Date comes back as a string. */
  readonly codec?: ObjectCodec<Value>;
  /** Asked before a load: for a key that cannot exist the answer is null, and nothing is loaded. Default none. */
  readonly guard?: KeyGuard;
  readonly load?: LoadOptions;
}

/** How values are made, and by whom. */
export interface LoadOptions {
  /**
   * How long a caller waits for the load of another one, here or in another process, before it loads itself,
   * milliseconds. Default half of `hardDeadlineMs`. Of the callers in one process only one does.
   */
  readonly waitMs?: number;
  /**
   * How long one process alone may load a key, milliseconds: after it, another one replaces a process that died, and
   * what it loads is no longer kept. Default `hardDeadlineMs`, so that one that is merely slow is not replaced.
   */
  readonly leaseMs?: number;
  /** How long a caller waits before it gets a value in its `graceMs` instead, milliseconds. Default 100. */
  readonly softDeadlineMs?: number;
  /** How long a caller waits at most, and a loader runs, milliseconds. Default 10,000. */
  readonly hardDeadlineMs?: number;
  /**
   * How early values are made anew while they are still fresh, times what they take to load: XFetch. Default 1, the
   * optimum where loads take about the same time each; 0 never.
   */
  readonly beta?: number;
  /**
   * The share of its time to live by which a value is fresh for less, at random, so that values stored together do not
   * end together. Default 0.1.
   */
  readonly jitter?: number;
}

export interface Settings<Value> {
  readonly store: CacheStore;
  readonly name: string;
  readonly ttlMs: number;
  readonly nullTtlMs: number;
  readonly graceMs: number;
  readonly codec: ObjectCodec<Value>;
  readonly guard: KeyGuard | undefined;
  readonly load: Required<LoadOptions>;
}

const OPTIONS = ["store", "ttlMs", "nullTtlMs", "graceMs", "name", "codec", "guard", "load"] as const;
const LOAD_OPTIONS = ["waitMs", "leaseMs", "softDeadlineMs", "hardDeadlineMs", "beta", "jitter"] as const;
const RENAMED = { ttl: 'use "ttlMs", in milliseconds', namespace: 'use "name"', prefix: 'use "name"' };

export function settingsOf<Value>(options: ObjectCacheOptions<Value>): Settings<Value> {
  assertOptionNames("ObjectCache", options, OPTIONS, RENAMED);
  const { store, ttlMs, name = "objects", codec = jsonCodec<Value>(), guard } = options;
  assertStore(store, "ObjectCache: store", "CacheStore");
  assertCount(ttlMs, "ObjectCache: ttlMs", LONGEST_TTL_MS);
  const { nullTtlMs = Math.ceil(ttlMs / 10), graceMs = 0 } = options;
  assertCount(nullTtlMs, "ObjectCache: nullTtlMs", LONGEST_TTL_MS);
  if (graceMs !== 0) assertCount(graceMs, "ObjectCache: graceMs", LONGEST_TTL_MS);
  if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
    throw new TypeError("ObjectCache: name must be 1 to 64 letters, digits or _ . -");
  }
  assertMethods(codec, "ObjectCache: codec", ["encode", "decode"]);
  if (guard !== undefined) assertMethods(guard, "ObjectCache: guard", ["mayExist", "add"]);
  return { store, name, ttlMs, nullTtlMs, graceMs, codec, guard, load: loadSettings(options.load) };
}

function loadSettings(options: LoadOptions = {}): Required<LoadOptions> {
  assertOptionNames("ObjectCache: load", options, LOAD_OPTIONS);
  const { hardDeadlineMs = 10_000, softDeadlineMs = 100, beta = 1, jitter = 0.1 } = options;
  const { waitMs = Math.ceil(hardDeadlineMs / 2), leaseMs = hardDeadlineMs } = options;
  for (const [name, value] of Object.entries({ hardDeadlineMs, softDeadlineMs, waitMs, leaseMs })) {
    assertCount(value, `ObjectCache: load.${name}`, LONGEST_TIMER_MS);
  }
  if (!(Number.isFinite(beta) && beta >= 0)) {
    throw new TypeError("ObjectCache: load.beta must be a number of at least 0");
  }
  if (!(Number.isFinite(jitter) && jitter >= 0 && jitter < 1)) {
    throw new TypeError("ObjectCache: load.jitter must be a number from 0 to below 1");
  }
  return { waitMs, leaseMs, softDeadlineMs, hardDeadlineMs, beta, jitter };
}

function assertMethods(value: unknown, what: string, names: readonly string[]): void {
  const found = value as Record<string, unknown> | null | undefined;
  if (names.every((name) => typeof found?.[name] === "function")) return;
  throw new TypeError(`${what} must have the methods ${names.join(" and ")}`);
}
