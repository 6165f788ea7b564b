import { RedisStore } from "connect-redis";
import expressSession, { type SessionData } from "express-session";
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

/** A session as `all()` answers it. */
export type StoredSession = SessionData & { readonly id: string };

/** What its published types leave out. */
const SessionCookie = expressSession.Cookie as unknown as new (stored: object) => {
  maxAge: number | null;
  serialize(name: string, value: string): string;
};

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
    return answer(() => measured("get", read), callback);
  }

  override set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const write = async (): Promise<void> =>
      this.#redis.set(nameOf(sid), JSON.stringify(session), {
        expiration: { type: "PX", value: this.#lifetimeMs(session) },
      });
    return answer(() => measured("set", write), callback);
  }

  override touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const prolong = (): Promise<void> => this.#redis.pExpire(nameOf(sid), this.#lifetimeMs(session));
    return answer(() => measured("touch", prolong), callback);
  }

  override destroy(sid: string, callback?: Callback): Promise<void> {
    return answer(() => measured("destroy", () => this.#redis.del([nameOf(sid)])), callback);
  }

  /** Every live session, each with its hashed `id`; values that are no sessions are left out. */
  override all(callback?: Callback<StoredSession[]>): Promise<StoredSession[]> {
    const read = async (): Promise<StoredSession[]> => {
      const names: string[] = await this.ids();
      const values = await this.#redis.mGet(names);
      return names.flatMap((id, at) => {
        const session = parse(values[at] ?? null);
        return session ? [{ ...session, id }] : [];
      });
    };
    return answer(read, callback);
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
    const session = JSON.parse(value) as SessionData;
    return session.cookie && isUsable(session.cookie) ? session : null;
  } catch {
    return null;
  }
}

/**
 * Does to a stored cookie what express-session will do between here and the answer. It throws there for foreign
 * values, some of them while the head is written, and whoever has such a session gets a 500 or no answer at all.
 */
function isUsable(stored: SessionData["cookie"]): boolean {
  const cookie = new SessionCookie(stored);
  cookie.maxAge = stored.originalMaxAge;
  return cookie.serialize("sid", "value") !== "";
}

/** express-session calls back, everybody else awaits: a callback is called once, and the promise then never rejects. */
async function answer<Value>(
  run: () => Promise<Value>,
  callback: Callback<Value> | undefined,
): Promise<Value> {
  if (!callback) return run();
  // Called outside of the promise, so that what a callback throws is not taken for the store's error.
  return run().then(
    (value) => {
      process.nextTick(callback, null, value);
      return value;
    },
    (error: unknown) => {
      process.nextTick(callback, error);
      return undefined as Value;
    },
  );
}

async function measured<Value>(
  operation: SessionEvent["operation"],
  run: () => Promise<Value>,
): Promise<Value> {
  const startedAt = performance.now();
  const report = (outcome: SessionEvent["outcome"]): void =>
    publish(channels.session, () => ({ operation, outcome, durationMs: performance.now() - startedAt }));
  try {
    const value = await run();
    report(operation === "get" ? (value === null ? "miss" : "hit") : "ok");
    return value;
  } catch (error) {
    report("error");
    throw error;
  }
}
