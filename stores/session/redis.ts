import { RedisStore } from "connect-redis";
import type { SessionData } from "express-session";
import { channels, publish, type SessionEvent } from "../../telemetry/channels.ts";
import { createGuard, type RedisClient } from "../redis/guard.ts";
import { assertPrefix, secretKey } from "../redis/keys.ts";
import { NodeRedisFacade } from "./node-redis-facade.ts";

type Callback<Value = void> = (error?: unknown, value?: Value) => void;

export interface RedisSessionStoreOptions {
  readonly client: RedisClient;
  /** Put before every key. */
  readonly prefix: string;
  /** How long a session lives after its last use when its cookie has no maxAge. Default one day, milliseconds. */
  readonly ttlMs?: number;
  /** How long one operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

const ONE_DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Sessions of express-session in Redis: connect-redis's store over an ioredis client.
 *
 * Different from its parent: the session id is kept as its SHA-256, so neither a key listing nor a trace shows a
 * usable id (`ids()` and `all()` answer hashes); time to live is exact to the millisecond and counts from the last
 * save or touch, where the parent reads the cookie's old expiry date and may delete a session that is in use; a
 * value that is not JSON reads as no session, not as an error for ever; calls have a deadline.
 */
export class RedisSessionStore extends RedisStore {
  readonly #redis: NodeRedisFacade;
  readonly #ttlMs: number;

  constructor({ client, prefix, ttlMs = ONE_DAY_MS, deadlineMs }: RedisSessionStoreOptions) {
    assertPrefix(prefix);
    if (!Number.isSafeInteger(ttlMs) || ttlMs < 1) {
      throw new TypeError(`ttlMs must be a whole number of milliseconds of at least 1, not ${String(ttlMs)}`);
    }
    const redis = new NodeRedisFacade(client, `${prefix}:`, createGuard(client, deadlineMs));
    super({ client: redis, prefix: "" });
    this.#redis = redis;
    this.#ttlMs = ttlMs;
  }

  override get(sid: string, callback?: Callback<SessionData | null>): Promise<SessionData | null> {
    const read = async (): Promise<SessionData | null> => parse(await this.#redis.get(nameOf(sid)));
    return settle("get", read, callback);
  }

  override set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const write = (): Promise<void> =>
      this.#redis.set(nameOf(sid), JSON.stringify(session), {
        expiration: { type: "PX", value: this.#lifetimeMs(session) },
      });
    return settle("set", write, callback);
  }

  override touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    return settle("touch", () => this.#redis.pExpire(nameOf(sid), this.#lifetimeMs(session)), callback);
  }

  override destroy(sid: string, callback?: Callback): Promise<void> {
    return settle("destroy", () => this.#redis.del([nameOf(sid)]), callback);
  }

  #lifetimeMs(session: SessionData): number {
    return Math.max(1, Math.round(session.cookie?.originalMaxAge ?? this.#ttlMs));
  }
}

function nameOf(sid: string): string {
  return secretKey("", sid).slice(1);
}

function parse(value: string | null): SessionData | null {
  if (value === null) return null;
  try {
    const session: unknown = JSON.parse(value);
    const whole = typeof session === "object" && session !== null && "cookie" in session && session.cookie;
    return whole ? (session as SessionData) : null;
  } catch {
    return null;
  }
}

/** express-session calls back, everybody else awaits: with a callback the promise never rejects. */
async function settle<Value>(
  operation: SessionEvent["operation"],
  run: () => Promise<Value>,
  callback: Callback<Value> | undefined,
): Promise<Value> {
  const startedAt = performance.now();
  const report = (outcome: SessionEvent["outcome"]): void =>
    publish(channels.session, () => ({ operation, outcome, durationMs: performance.now() - startedAt }));
  try {
    const value = await run();
    report(operation === "get" ? (value === null ? "miss" : "hit") : "ok");
    callback?.(null, value);
    return value;
  } catch (error) {
    report("error");
    if (!callback) throw error;
    callback(error);
    return undefined as Value;
  }
}
