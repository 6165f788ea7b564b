import type { Request } from "express";
import type { CacheStore } from "../../stores/cache/contract.ts";
import {
  assertCount,
  assertFlag,
  assertFunction,
  assertOneOf,
  assertOptionNames,
  assertStore,
} from "../../stores/options.ts";

export interface ResponseCacheOptions {
  /** Where the responses are kept. */
  readonly store: CacheStore;
  /**
   * How long a response is fresh that does not say so itself, milliseconds. What a response says (`Cache-Control`,
   * `Expires`) comes first, then this, then a tenth of the time since its `Last-Modified`. Without all three it is not
   * kept.
   */
  readonly ttlMs?: number;
  /**
   * What tells responses apart. Default protocol and host, as Express has them (`trust proxy`), path and query as
   * sent. The method need not be in it. Anything but a string is a TypeError to Express's error handler.
   */
  readonly key?: (req: Request) => string | Promise<string>;
  /** What a response is made of, so that `purgeTags` can make it invalid. At most 16 tags. Default none. */
  readonly tags?: (req: Request) => readonly string[];
  /** The cache's name in `Cache-Status`, metrics and keys: a letter, then letters, digits and `-`. Default `cache`. */
  readonly name?: string;
  /** Longer bodies are passed on, not kept. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * What becomes of a response that sets a cookie. Default `refuse`, since such a cookie is mostly one client's own:
   * it is not kept. `strip` keeps it without the cookie, `store` with it, for all.
   */
  readonly setCookie?: "refuse" | "strip" | "store";
  readonly http?: HttpCacheOptions;
}

/** Where RFC 9111 leaves a shared cache a choice. */
export interface HttpCacheOptions {
  /**
   * Whether the request's `Cache-Control` counts (`no-cache`, `max-age`, `only-if-cached` …). Default false: with it any
   * client can have every request run the handler.
   */
  readonly clientDirectives?: boolean;
  /**
   * Targeted fields (RFC 9213) that stand for `Cache-Control`, the one that counts most first. Default
   * `["CDN-Cache-Control"]`.
   */
  readonly targets?: readonly string[];
  /** For responses that do not say themselves how long they may be served while a new one is made. Default 0. */
  readonly staleWhileRevalidateMs?: number;
  /** For responses that do not say themselves how long they may stand for an error. Default 0. */
  readonly staleIfErrorMs?: number;
  /** Whether `s-maxage` forbids stale responses even beside `stale-while-revalidate`. Default false. */
  readonly strictSMaxage?: boolean;
  /** How many responses of one key are kept that differ by the fields of their `Vary`. Default 50. */
  readonly mostVariants?: number;
  /**
   * Whether text is kept in br and gzip beside the handler's own, and sent in the coding that each client likes best.
   * Default false. A miss goes out as the handler made it, which does not see the client's `Accept-Encoding`.
   */
  readonly compress?: boolean;
  /**
   * The only request fields, beside `Host`, that the layers inside see when their response may be kept; it is told apart
   * by them. Default: they see all, and have to name in `Vary` what they use. `[]` lets them see none.
   */
  readonly isolate?: readonly string[];
}

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;

/** The options with their defaults. */
export interface ResponseCacheSettings {
  readonly name: string;
  readonly maxBodyBytes: number;
  readonly setCookie: "refuse" | "strip" | "store";
  readonly mostVariants: number;
  readonly targets: readonly string[];
  readonly isolate: readonly string[] | undefined;
}

/** @throws TypeError that names the option at fault */
export function settingsOf(options: ResponseCacheOptions): ResponseCacheSettings {
  assertOptionNames("responseCache", options, NAMES, RENAMED);
  const { store, ttlMs, name = "cache", maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  const { setCookie = "refuse", http = {} } = options;
  assertStore(store, "responseCache: store", "CacheStore");
  if (ttlMs !== undefined) assertCount(ttlMs, "responseCache: ttlMs");
  if (typeof name !== "string" || !/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) {
    throw new TypeError("responseCache: name must be a letter followed by letters, digits and -");
  }
  assertCount(maxBodyBytes, "responseCache: maxBodyBytes");
  assertFunction(options.tags, "responseCache: tags");
  assertOneOf(setCookie, "responseCache: setCookie", ["refuse", "strip", "store"]);
  assertOptionNames("responseCache: http", http, HTTP_NAMES);
  const { targets = ["cdn-cache-control"], mostVariants = 50 } = http;
  assertCount(mostVariants, "responseCache: http.mostVariants");
  for (const field of ["staleWhileRevalidateMs", "staleIfErrorMs"] as const) {
    const value = http[field];
    if (value !== undefined && value !== 0) assertCount(value, `responseCache: http.${field}`);
  }
  for (const field of ["clientDirectives", "strictSMaxage", "compress"] as const) {
    assertFlag(http[field], `responseCache: http.${field}`);
  }
  return {
    name,
    maxBodyBytes,
    setCookie,
    mostVariants,
    targets: fieldNames(targets, "responseCache: http.targets"),
    isolate: http.isolate && fieldNames(http.isolate, "responseCache: http.isolate"),
  };
}

function fieldNames(names: unknown, option: string): readonly string[] {
  if (!Array.isArray(names) || !names.every(isFieldName)) {
    throw new TypeError(`${option} must be a list of field names`);
  }
  return names.map((name: string) => name.toLowerCase());
}

function isFieldName(name: unknown): boolean {
  return typeof name === "string" && /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
}

const NAMES: readonly (keyof ResponseCacheOptions)[] = [
  "store",
  "ttlMs",
  "key",
  "tags",
  "name",
  "maxBodyBytes",
  "setCookie",
  "http",
];
const HTTP_NAMES: readonly (keyof HttpCacheOptions)[] = [
  "clientDirectives",
  "targets",
  "staleWhileRevalidateMs",
  "staleIfErrorMs",
  "strictSMaxage",
  "mostVariants",
  "compress",
  "isolate",
];
const RENAMED = {
  keyGenerator: 'use "key"',
  maxAge: 'use "ttlMs"',
  maxBytes: 'use "maxBodyBytes"',
  staleWhileRevalidate: 'use "http: { staleWhileRevalidateMs }"',
};
