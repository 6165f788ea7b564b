import type { Request } from "express";
import type { IdempotencyStore } from "../../stores/idempotency/contract.ts";
import {
  assertCount,
  assertFlag,
  assertOneOf,
  assertOptionNames,
  assertStore,
  LONGEST_TIMER_MS,
} from "../../stores/options.ts";
import { isSafeMethod } from "../request/safe-method.ts";
import { requestKey } from "../request/request-key.ts";
import { requestFingerprint } from "./fingerprint.ts";

export interface IdempotencyOptions {
  /** Keeps who is at work, and the answers. */
  readonly store: IdempotencyStore;
  /**
   * Whom a key belongs to: a user, an account, a client. Without it one user who guesses another's key would be given
   * the other's answer. Anything but a string is a TypeError to Express's error handler.
   */
  readonly scope: (req: Request) => string | Promise<string>;
  /** The methods it is about, in capitals; others pass. Default POST and PATCH: PUT and DELETE repeat by themselves. */
  readonly methods?: readonly string[];
  /** Whether a request without a key is answered 400. Default false: it passes, and may run twice. */
  readonly required?: boolean;
  /**
   * How long an answer is kept, milliseconds. Default 24 hours: longer than clients retry, at the price of the memory.
   */
  readonly ttlMs?: number;
  /**
   * How long a key stays taken by a process that died, milliseconds. Default 30 seconds. While the handler works it is
   * extended after each third, so it need not be longer than the work; but a process that stands still for longer, or
   * a store that is away for longer, lets the work run twice.
   */
  readonly lockMs?: number;
  /**
   * What tells one payload from another, a string; only its hash is kept. Default: method, path with query, media type
   * and `req.body`, so parse the body before.
   */
  readonly fingerprint?: (req: Request) => string | Promise<string>;
  /**
   * What a request with a key gets while the store cannot be asked. Default `deny`, a 503: without the store nothing
   * says that the work has not been done. `allow` runs it unprotected.
   */
  readonly onStoreError?: "deny" | "allow";
}

/** What a handler may see of its key, and say of its answer. */
export interface IdempotentRequest {
  /** As the client sent it, without quotes. */
  readonly key: string;
  /**
   * Says whether the answer is final, in place of the rule by its status. False: the work is not done, and the next
   * request with the key runs it again. True: it is, and must not run again, as for a 500 halfway through. The last call
   * before the answer ends counts.
   */
  keepAnswer(keep: boolean): void;
}

export interface Settings {
  readonly store: IdempotencyStore;
  readonly scopeOf: (req: Request) => string | Promise<string>;
  readonly fingerprintOf: (req: Request) => string | Promise<string>;
  readonly methods: ReadonlySet<string>;
  readonly required: boolean;
  readonly ttlMs: number;
  readonly lockMs: number;
  readonly onStoreError: "deny" | "allow";
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** @throws TypeError for an option that is unknown or invalid */
export function settingsOf(options: IdempotencyOptions): Settings {
  assertOptionNames(
    "idempotency",
    options,
    ["store", "scope", "methods", "required", "ttlMs", "lockMs", "fingerprint", "onStoreError"],
    {
      key: 'the key is the client\'s; "scope" says whose it is',
      keyGenerator: 'use "scope"',
      ttl: 'use "ttlMs"',
      expiry: 'use "ttlMs"',
      lockTtlMs: 'use "lockMs"',
      enforceIdempotency: 'use "required"',
    },
  );
  const { store, scope, methods = ["POST", "PATCH"], required = false, fingerprint } = options;
  const { ttlMs = DAY_MS, lockMs = 30_000, onStoreError = "deny" } = options;
  assertStore(store, "idempotency: store", "IdempotencyStore");
  assertMethods(methods);
  assertFlag(required, "idempotency: required");
  assertCount(ttlMs, "idempotency: ttlMs");
  // The longest that a timer can be, since a third of it is one.
  assertCount(lockMs, "idempotency: lockMs", LONGEST_TIMER_MS);
  assertOneOf(onStoreError, "idempotency: onStoreError", ["deny", "allow"]);
  return {
    store,
    scopeOf: requestKey("idempotency", scope, "scope"),
    fingerprintOf: fingerprint ? requestKey("idempotency", fingerprint, "fingerprint") : requestFingerprint,
    methods: new Set(methods),
    required,
    ttlMs,
    lockMs,
    onStoreError,
  };
}

function assertMethods(methods: unknown): void {
  const isList = Array.isArray(methods) && methods.length > 0;
  if (isList && methods.every((method) => typeof method === "string" && /^[A-Z-]+$/.test(method))) {
    const safe = methods.find(isSafeMethod);
    if (safe === undefined) return;
    throw new TypeError(`idempotency: methods must not have ${safe}, which changes nothing`);
  }
  throw new TypeError('idempotency: methods must be a list of methods in capitals, such as ["POST"]');
}
