import { channel } from "node:diagnostics_channel";

/**
 * What the suite tells about itself, one message per outcome, on `node:diagnostics_channel`.
 * Every field comes from a fixed set or is a number: no key, id, body or address ever appears here,
 * so a message may become a metric label or a log line as it is. Durations are milliseconds.
 *
 * Nothing is computed for a channel that nobody listens to; see {@link publish}.
 */
export interface RateLimitEvent {
  /** The names of the limiter's policies, joined by `+`. */
  readonly limiter: string;
  /** `shadow-limited`: would have been limited, and was let through. */
  readonly outcome: "allowed" | "limited" | "shadow-limited" | "store-error-allowed" | "store-error-denied";
  /** The first policy that said no, of what is `limited` or `shadow-limited`; absent where the key is blocked. */
  readonly policy?: string;
  /** Who decided: the shared store, this process from memory or from a lease, or the fallback of a store away. */
  readonly source: "store" | "deny-memory" | "lease" | "fallback";
  /** Units the fallback has admitted since the store went away; absent while the store decides. */
  readonly unitsInFallback?: number;
  /** Why the store failed, as in {@link StoreEvent}; only where `outcome` is a store error. */
  readonly code?: string;
  readonly durationMs: number;
}

export interface ResponseCacheEvent {
  /** The cache's `name` option. */
  readonly cache: string;
  /**
   * `hit`: what is kept, fresh. `stale`: what is kept, though no longer fresh. `revalidated`: what is kept, confirmed by
   * the handler. `coalesced`: what another request of this process was waiting for. `miss`: what the handler made.
   * `bypass`: the request may not be answered from the cache. `store-error`: the handler answered instead.
   */
  readonly outcome: "hit" | "stale" | "revalidated" | "coalesced" | "miss" | "bypass" | "store-error";
  /** Why the store failed, as in {@link StoreEvent}; only where `outcome` is a store error. */
  readonly code?: string;
  readonly durationMs: number;
}

/** One key that was asked for with a loader. */
export interface ObjectCacheEvent {
  /** The cache's `name` option. */
  readonly cache: string;
  /**
   * `miss`: loaded, by whoever did. `stale`: the last value, in its grace, as the loader failed or was slow. `refused`:
   * the guard knew that there is none. `error`: the caller got an error, or had gone.
   */
  readonly outcome: "hit" | "miss" | "stale" | "refused" | "error";
  readonly durationMs: number;
}

export interface RouteLockEvent {
  /** The route lock's `name` option. */
  readonly lock: string;
  /**
   * `lost`: the lock expired, was taken, or is gone from the store, before its handler had ended. `release-failed`: the
   * store could not be asked to take it back, so it may block others until its time is over. `store-error`: the store
   * could not be asked for it. `busy`: others held it, for as long as the request would wait. `queue-full`: too many
   * waited already. `left`: the client went away while it waited.
   */
  readonly outcome:
    | "acquired"
    | "busy"
    | "queue-full"
    | "left"
    | "released"
    | "lost"
    | "release-failed"
    | "store-error";
  /** Why the store failed, as in {@link StoreEvent}; only where `outcome` is `store-error` or `release-failed`. */
  readonly code?: string;
  /** For `released`, `lost` and `release-failed` the time held, else the time spent asking. */
  readonly durationMs: number;
}

/** What became of a request with an idempotency key, or of one that had to have one. */
export interface IdempotencyEvent {
  /**
   * `recorded`: its work is done and its answer kept. `oversized`: done, but the answer is too long to be kept.
   * `released`: its answer says that the work is not done, so the key is free. `lost`: the key was another's, or gone
   * from the store, before the work had ended. `record-failed`: the store could not be told of the end.
   * `replayed`: answered with what is kept. `unavailable`: the work was done, but its answer is not there.
   * `in-progress`, `mismatch`, `invalid`: answered 409, 422 and 400. `store-error-allowed`, `store-error-denied`: the
   * store could not be asked at the beginning.
   */
  readonly outcome:
    | "recorded"
    | "oversized"
    | "released"
    | "lost"
    | "record-failed"
    | "replayed"
    | "unavailable"
    | "in-progress"
    | "mismatch"
    | "invalid"
    | "store-error-allowed"
    | "store-error-denied";
  /** Why the store failed, as in {@link StoreEvent}; only where `outcome` is a store error or `record-failed`. */
  readonly code?: string;
  /** Of the first five outcomes how long the work took, else the time until it was decided. */
  readonly durationMs: number;
}

/** How a request came by its session. */
export interface SessionEvent {
  /**
   * `loaded`: with the session of its cookie. `new`: without a cookie, or with one whose session is over.
   * `store-error-denied`: refused, since the store could not be asked. `store-error-anonymous`: let through without.
   */
  readonly outcome: "loaded" | "new" | "store-error-denied" | "store-error-anonymous";
  /** Why the store failed, as in {@link StoreEvent}; only where `outcome` is a store error. */
  readonly code?: string;
  readonly durationMs: number;
}

/** Something that became of sessions by themselves, or against what a request wanted. */
export interface SessionChangeEvent {
  /**
   * `conflict`: two requests changed the same key of a session; the later one's value is kept. `ended`: a save came after
   * the end of its session, and nothing was stored. `unreadable`: what was stored was no session, and counts as none.
   * `renewed`: its id was replaced. `revoked`, `evicted`: ended by `revoke` and `revokeAll`, or to make room for a new one of
   * its user. `refused`: a user had as many as they may have. `adopted`: taken over from connect-redis.
   */
  readonly change:
    | "conflict"
    | "ended"
    | "unreadable"
    | "renewed"
    | "revoked"
    | "evicted"
    | "refused"
    | "adopted";
  /** Why it was not readable; only where `change` is `unreadable`. */
  readonly reason?: "foreign" | "malformed" | "too-large" | "unknown-key" | "not-authentic" | "not-encrypted";
  /** How many sessions it became of. */
  readonly sessions: number;
}

/** One save of a request's session, whether it came with the answer or a handler asked for it. */
export interface SessionSaveEvent {
  /**
   * `ended`: the session was logged out, revoked or had expired meanwhile, and nothing was stored. `save-failed`: the
   * store could not be asked, or refused. Neither is ever followed by the answer that the handler gave.
   */
  readonly outcome: "saved" | "ended" | "save-failed";
  /** Why the store failed, as in {@link StoreEvent}; only where `outcome` is `save-failed`. */
  readonly code?: string;
  readonly durationMs: number;
}

/** One operation of a Redis store, whoever asked for it: a middleware, or code of yours. */
export interface StoreEvent {
  readonly store: "rate-limit" | "session" | "cache" | "lock" | "idempotency" | "leaderboard";
  /** From the store's own fixed set, for example `consume` or `acquire`. */
  readonly operation: string;
  /** `hit` and `miss` where something was looked up by its key. */
  readonly outcome: "ok" | "hit" | "miss" | "error";
  /** Why it failed: `STORE_TIMEOUT`, `STORE_UNAVAILABLE`, the first word of Redis's error, or `UNKNOWN`. */
  readonly code?: string;
  readonly durationMs: number;
}

/**
 * The circuit breakers that all stores of one Redis client share, one per server: `open` while that of any server is,
 * which on a Cluster may be one master of many.
 */
export interface RedisBreakerEvent {
  /** The client's connection name, or `redis`. */
  readonly client: string;
  readonly state: "open" | "closed";
}

/** A channel of `node:diagnostics_channel` whose messages have one type. */
export interface EventChannel<Event> {
  readonly name: string;
  /** Whether anybody is subscribed at this moment. */
  readonly hasSubscribers: boolean;
  publish(event: Event): void;
  /** Calls `onEvent` for each message before the publisher goes on. What it throws is an uncaught exception. */
  subscribe(onEvent: (event: Event, name: string | symbol) => void): void;
  /** Takes the same function as `subscribe`; returns whether it was subscribed. */
  unsubscribe(onEvent: (event: Event, name: string | symbol) => void): boolean;
}

export interface Channels {
  readonly rateLimit: EventChannel<RateLimitEvent>;
  readonly responseCache: EventChannel<ResponseCacheEvent>;
  readonly objectCache: EventChannel<ObjectCacheEvent>;
  readonly routeLock: EventChannel<RouteLockEvent>;
  readonly idempotency: EventChannel<IdempotencyEvent>;
  readonly session: EventChannel<SessionEvent>;
  readonly sessionChange: EventChannel<SessionChangeEvent>;
  readonly sessionSave: EventChannel<SessionSaveEvent>;
  readonly store: EventChannel<StoreEvent>;
  readonly redisBreaker: EventChannel<RedisBreakerEvent>;
}

export const channels: Channels = {
  rateLimit: eventChannel<RateLimitEvent>("express-redis-suite:rate-limit"),
  responseCache: eventChannel<ResponseCacheEvent>("express-redis-suite:response-cache"),
  objectCache: eventChannel<ObjectCacheEvent>("express-redis-suite:object-cache"),
  routeLock: eventChannel<RouteLockEvent>("express-redis-suite:route-lock"),
  idempotency: eventChannel<IdempotencyEvent>("express-redis-suite:idempotency"),
  session: eventChannel<SessionEvent>("express-redis-suite:session"),
  sessionChange: eventChannel<SessionChangeEvent>("express-redis-suite:session-change"),
  sessionSave: eventChannel<SessionSaveEvent>("express-redis-suite:session-save"),
  store: eventChannel<StoreEvent>("express-redis-suite:store"),
  redisBreaker: eventChannel<RedisBreakerEvent>("express-redis-suite:redis-breaker"),
};

function eventChannel<Event>(name: string): EventChannel<Event> {
  return channel(name) as unknown as EventChannel<Event>;
}

/** Publishes what `event` makes; `event` is not called while nobody listens. */
export function publish<Event>(to: EventChannel<Event>, event: () => Event): void {
  if (to.hasSubscribers) to.publish(event());
}
