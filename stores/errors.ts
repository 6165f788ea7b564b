/**
 * The errors a user of the stores may catch. Each has a `code` that stays the same across versions, and those
 * that can reach an HTTP client a `status`, which Express honours.
 */

/** Thrown by `createRedis` when no server answered in time; `message` names the servers tried, without credentials. */
export class RedisConnectError extends Error {
  readonly code = "REDIS_CONNECT_FAILED";
  override readonly name = "RedisConnectError";
}

/** Thrown by `createEmbeddedRedis` when there is neither a server program nor the WebAssembly build to start. */
export class EmbeddedRedisError extends Error {
  readonly code = "EMBEDDED_REDIS_FAILED";
  override readonly name = "EmbeddedRedisError";
}

/** The state store did not answer within the deadline. Whether the command took effect is unknown. */
export class StoreTimeoutError extends Error {
  readonly code = "STORE_TIMEOUT";
  readonly status = 503;
  override readonly name = "StoreTimeoutError";
}

/**
 * The state store cannot be asked, or cannot serve for now: its connection is down, its circuit breaker is open, or it
 * is full, loading, or without a master. `cause` is the client's error where there was one.
 */
export class StoreUnavailableError extends Error {
  readonly code = "STORE_UNAVAILABLE";
  readonly status = 503;
  override readonly name = "StoreUnavailableError";
}

/**
 * The reason of `lock.signal` once a lock's time is over while its holder still works, and what `assertValid` throws
 * then. Somebody else may hold the lock.
 */
export class LockLostError extends Error {
  readonly code = "LOCK_LOST";
  readonly status = 503;
  override readonly name = "LockLostError";
}

/** A lock did not become free within the time that its caller was willing to wait. */
export class LockTimeoutError extends Error {
  readonly code = "LOCK_TIMEOUT";
  readonly status = 409;
  override readonly name = "LockTimeoutError";
  /** Until the present holder's time is over unless it extends, milliseconds. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** So many callers of this process already wait for this lock that no more are let in line. */
export class LockQueueFullError extends Error {
  readonly code = "LOCK_QUEUE_FULL";
  readonly status = 503;
  override readonly name = "LockQueueFullError";
}

/** A submission would carry a column of a composite score past its bounds; nothing was written. */
export class ScoreOutOfRangeError extends Error {
  readonly code = "SCORE_OUT_OF_RANGE";
  readonly status = 422;
  override readonly name = "ScoreOutOfRangeError";
}

/** A value of an `ObjectCache` was not made within its `hardDeadlineMs`, and there was no earlier one to give instead. */
export class LoadTimeoutError extends Error {
  readonly code = "LOAD_TIMEOUT";
  readonly status = 503;
  override readonly name = "LoadTimeoutError";
}

/** A session ended while a request was at work on it: it was logged out, revoked, or expired. Nothing was stored. */
export class SessionEndedError extends Error {
  readonly code = "SESSION_ENDED";
  readonly status = 401;
  override readonly name = "SessionEndedError";
}

/** A user has as many sessions as they may have, and the store was told to refuse another. Nothing was stored. */
export class SessionLimitError extends Error {
  readonly code = "SESSION_LIMIT";
  readonly status = 403;
  override readonly name = "SessionLimitError";
}

/** A session is longer than the store's `maxBytes`. Nothing was stored; `message` says how long it is. */
export class SessionTooLargeError extends Error {
  readonly code = "SESSION_TOO_LARGE";
  readonly status = 500;
  override readonly name = "SessionTooLargeError";
}
