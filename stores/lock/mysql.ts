import type { Pool } from "mysql2/promise";
import { observeStore } from "../../telemetry/observe-store.ts";
import { assertCount, assertDurationMs, assertOptionNames } from "../options.ts";
import { assertPrefix } from "../redis/keys.ts";
import type { LockAttempt, LockFeature, LockRelease, LockRequest, LockState, LockStore } from "./contract.ts";
import { assertFeatures } from "./hold/lock-options.ts";
import { Deadline } from "./mysql/deadline.ts";
import { HeldLock, takeLock } from "./mysql/held-lock.ts";
import { lockName } from "./mysql/lock-name.ts";
import { Sessions } from "./mysql/sessions.ts";
import { assertRequest } from "./request.ts";

export interface MysqlLockStoreOptions {
  /**
   * Of `mysql2/promise`; best one for locks alone. The store neither makes nor ends it. Each lock that is held has a
   * connection of it to itself, so its `connectionLimit` is how many locks this process can hold at once.
   */
  readonly pool: Pool;
  /** Put before every key: 1 to 64 letters, digits or `_ . : / -`. */
  readonly prefix: string;
  /**
   * How long one operation may take, the time until the pool has a connection included, milliseconds. Default 1,000:
   * a new connection is several round trips.
   */
  readonly deadlineMs?: number;
}

const RENAMED = { client: 'use "pool"', connection: 'use "pool"' };

/**
 * Exclusive locks on one MySQL or MariaDB server, by GET_LOCK: for a service that has such a server and no Redis. A lock
 * is held by its connection, so the server frees it as soon as the process has died or the connection is gone; one of
 * a process that stands still, about a second after its time (by the session's `wait_timeout`).
 *
 * It has no fencing tokens, no shared or counted locks, and no line: who waits asks again every 25 to 100 milliseconds.
 * (GET_LOCK can wait too, but in an order that nobody promises, on a connection for each key, and until the connection
 * is destroyed.) Of a lock that another process holds nobody knows how long it lasts: `retryAfterMs` is then 0.
 *
 * Names belong to one server: locks on a source are unknown to its replicas, and to the other nodes of a cluster.
 */
export class MysqlLockStore implements LockStore {
  readonly features: ReadonlySet<LockFeature> = new Set(["clock"]);
  readonly #sessions: Sessions;
  readonly #prefix: string;
  readonly #deadlineMs: number;
  /** By the name of the lock. */
  readonly #held = new Map<string, HeldLock>();

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: MysqlLockStoreOptions) {
    assertOptionNames("MysqlLockStore", options, ["pool", "prefix", "deadlineMs"], RENAMED);
    const { pool, prefix, deadlineMs = 1000 } = options;
    assertPool(pool);
    assertPrefix(prefix);
    assertDurationMs(deadlineMs, "deadlineMs");
    this.#sessions = new Sessions(pool);
    this.#prefix = prefix;
    this.#deadlineMs = deadlineMs;
  }

  async acquire(request: LockRequest): Promise<LockAttempt> {
    const { limit } = assertRequest(request);
    if (limit !== 1) assertFeatures(this, ["limits"], "acquire: limit");
    return this.#operation("acquire", (deadline) => this.#acquire(request, deadline));
  }

  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    return this.#operation("extend", async (deadline) => {
      const held = this.#held.get(this.#name(key));
      return held !== undefined && held.owner === owner && held.extend(ttlMs, deadline);
    });
  }

  release(key: string, owner: string): Promise<LockRelease> {
    return this.#operation("release", async (deadline) => {
      const name = this.#name(key);
      const held = this.#held.get(name);
      if (held && held.remainingMs > 0) {
        if (held.owner !== owner) return "taken";
        if (await held.end()) return "released";
      }
      return (await this.#isFree(name, deadline)) ? "expired" : "taken";
    });
  }

  inspect(key: string): Promise<LockState> {
    return this.#operation("inspect", async (deadline) => {
      const name = this.#name(key);
      const remainingMs = this.#held.get(name)?.remainingMs ?? 0;
      const expiresInMs = remainingMs > 0 ? remainingMs : undefined;
      if (!expiresInMs && (await this.#isFree(name, deadline))) return { holders: [], waiting: 0 };
      return { holders: [{ limit: 1, expiresInMs, fence: undefined }], waiting: 0 };
    });
  }

  async now(): Promise<number> {
    // Not NOW(): its hour may be one of two where the time zone has just left summer time.
    const sql = "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))";
    const deadline = new Deadline(this.#deadlineMs);
    const [micros = NaN] = await this.#sessions.use(deadline, (session) => session.ask(sql));
    return Math.floor(micros / 1000);
  }

  async #acquire({ key, owner, ttlMs }: LockRequest, deadline: Deadline): Promise<LockAttempt> {
    const name = this.#name(key);
    const held = this.#held.get(name);
    if (held && held.remainingMs > 0) {
      if (held.owner !== owner) return { acquired: false, retryAfterMs: held.remainingMs };
      if (await held.extend(ttlMs, deadline)) return { acquired: true };
    }
    await this.#ended(name, deadline);
    const taken = await this.#sessions.use(deadline, (session) => takeLock(session, name, ttlMs));
    // Another caller of this process may have been faster.
    if (!taken) return { acquired: false, retryAfterMs: this.#held.get(name)?.remainingMs ?? 0 };
    const onEnd = (): void => {
      if (this.#held.get(name) === lock) this.#held.delete(name);
    };
    const lock = new HeldLock(taken, { name, owner, ttlMs, deadlineMs: this.#deadlineMs, onEnd });
    this.#held.set(name, lock);
    return { acquired: true };
  }

  async #isFree(name: string, deadline: Deadline): Promise<boolean> {
    await this.#ended(name, deadline);
    const [isFree] = await this.#sessions.use(deadline, (session) =>
      session.ask("SELECT IS_FREE_LOCK(?)", [name]),
    );
    return isFree === 1;
  }

  /** A lock of ours whose time is over may still be on its way back. */
  async #ended(name: string, deadline: Deadline): Promise<void> {
    const held = this.#held.get(name);
    if (held?.remainingMs === 0) await deadline.bound(() => held.end().catch(() => false));
  }

  #name(key: string): string {
    return lockName(this.#prefix, key);
  }

  #operation<Reply>(operation: string, run: (deadline: Deadline) => Promise<Reply>): Promise<Reply> {
    return observeStore({ store: "lock", operation }, () => run(new Deadline(this.#deadlineMs)));
  }
}

/** A pool of callbacks has `promise`; a cluster of pools, which is several servers, no `releaseConnection`. */
function assertPool(pool: Pool): void {
  const { getConnection, releaseConnection, promise } = Object(pool) as Record<string, unknown>;
  if (typeof promise === "function")
    throw new TypeError("MysqlLockStore: pool must be of mysql2/promise: use pool.promise()");
  if (typeof getConnection !== "function" || typeof releaseConnection !== "function")
    throw new TypeError("MysqlLockStore: pool must be a Pool of mysql2/promise, as createPool returns");
}
