import { randomUUID } from "node:crypto";
import { StoreUnavailableError } from "../errors.ts";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import { messagesOf } from "../redis/messages.ts";
import { serverOf } from "../redis/server-of.ts";
import type { LockAttempt, LockFeature, LockRelease, LockRequest, LockState, LockStore } from "./contract.ts";
import { assertRequest } from "./request.ts";
import { AwaitedKeys } from "./redis/awaited-keys.ts";
import { look } from "./redis/inspect-script.ts";
import { LockOperations, type Operation } from "./redis/operations.ts";

export interface RedisLockStoreOptions extends RedisAccessOptions {
  /**
   * Replicas that must have a lock before it counts as taken, so that it outlives the failure of its master; else it is
   * given back, and acquire rejects with a `StoreUnavailableError`. A second round trip for each lock that is taken.
   * Default: none is waited for.
   */
  readonly replicas?: ReplicaOptions;
}

export interface ReplicaOptions {
  readonly atLeast: number;
  /** How long to wait for them, milliseconds; shorter than `deadlineMs`. Default 100. */
  readonly timeoutMs?: number;
}

/** What Redis counts with where there is no limit; ioredis may read it as one more. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

/**
 * Locks on one Redis or Cluster: fenced, shared or counted, and in line. One round trip per operation, and one for all
 * operations of a turn of the event loop; who waits costs nothing but a question about every 0.7 seconds, and hears of
 * its turn on a connection of its own, opened when somebody first waits.
 *
 * A master that loses its data, in a failover for example, loses the locks with it: two may then hold one key, the
 * later with the higher fence. `replicas` makes that rarer, not impossible. Fences rise also over a loss of data, since
 * they follow the server's clock, unless that stands further back afterwards than the lock lies.
 */
export class RedisLockStore implements LockStore {
  readonly features: ReadonlySet<LockFeature> = new Set(["fencing", "limits", "line", "clock"]);
  readonly #redis: RedisAccess;
  readonly #replicas: Required<ReplicaOptions> | undefined;
  readonly #operations: LockOperations;
  /** On which this process is told of its turn. */
  readonly #channel: string;
  readonly #awaited = new AwaitedKeys();
  readonly #listeners = new Set<(key: string) => void>();

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisLockStoreOptions) {
    assertOptionNames("RedisLockStore", options, ["client", "prefix", "deadlineMs", "replicas"]);
    const { replicas } = options;
    this.#redis = new RedisAccess("lock", options);
    if (replicas) this.#replicas = checkedReplicas(replicas, options.deadlineMs);
    this.#channel = `${options.prefix}:turn:${randomUUID()}`;
    this.#operations = new LockOperations(this.#redis, this.#channel);
  }

  async acquire(request: LockRequest): Promise<LockAttempt> {
    const { limit, waitedMs } = assertRequest(request);
    const { key, owner, ttlMs } = request;
    const waitedUs = waitedMs === undefined ? -1 : Math.round(waitedMs * 1000);
    const lock = this.#redis.key(key);
    if (waitedMs !== undefined) this.#awaited.add(lock, { key, owner });
    const reply = await this.#ask(lock, ["acquire", owner, ttlMs, Math.min(limit, UNLIMITED), waitedUs]);
    if (reply < 0) return { acquired: false, retryAfterMs: -1 - reply };
    if (waitedMs !== undefined) this.#awaited.delete(lock, owner);
    // Where one may share, so may the next.
    if (limit > 1) this.#tell(lock);
    if (this.#replicas) await this.#replicate(key, owner, this.#replicas);
    return { acquired: true, fence: reply };
  }

  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    return (await this.#ask(this.#redis.key(key), ["extend", owner, ttlMs, 1, -1])) === 1;
  }

  async release(key: string, owner: string): Promise<LockRelease> {
    const lock = this.#redis.key(key);
    this.#awaited.delete(lock, owner);
    const asked = this.#ask(lock, ["release", owner, 1, 1, -1]);
    this.#tell(lock);
    const reply = await asked;
    return reply === 1 ? "released" : reply === 0 ? "expired" : "taken";
  }

  async inspect(key: string): Promise<LockState> {
    const lock = this.#redis.key(key);
    const [waiting = 0, ...rest] = await this.#redis.call({ operation: "inspect", key: lock }, (client) =>
      look.run(client, [lock, bookOf(lock)], []),
    );
    const holders = Array.from({ length: rest.length / 3 }, (_, at) => {
      const [limit = 1, expiresInMs = 0, fence = 0] = rest.slice(at * 3, at * 3 + 3);
      return { limit: limit >= UNLIMITED ? Infinity : limit, expiresInMs: Math.max(0, expiresInMs), fence };
    });
    return { holders, waiting };
  }

  onTurn(listener: (key: string) => void): () => void {
    const own = (key: string): void => listener(key);
    this.#listeners.add(own);
    const leave = messagesOf(this.#redis.client).listen(this.#channel, {
      // ioredis puts its prefix before keys, and before no message.
      onMessage: (message) => this.#tell(message.slice((this.#redis.client.options.keyPrefix ?? "").length)),
      onHearing: () => {
        for (const key of this.#awaited.keys()) own(key);
      },
    });
    return () => {
      this.#listeners.delete(own);
      leave();
    };
  }

  /** Of a Cluster, that of any one master. */
  async now(): Promise<number> {
    const [seconds, micros] = await this.#redis.guardedOn(this.#redis.client, () =>
      this.#redis.client.time(),
    );
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  #ask(lock: string, args: Operation["args"]): Promise<number> {
    const operation = { lock, book: bookOf(lock), args };
    return this.#redis.observe({ operation: args[0] }, () => this.#operations.ask(operation));
  }

  /** Redis tells other processes alone: whoever listens here is told at once, so that both share a script. */
  #tell(lock: string): void {
    const key = this.#awaited.keyOf(lock);
    if (key !== undefined) for (const listener of this.#listeners) listener(key);
  }

  async #replicate(key: string, owner: string, replicas: Required<ReplicaOptions>): Promise<void> {
    const { atLeast, timeoutMs } = replicas;
    const server = serverOf(this.#redis.client, this.#redis.key(key));
    const had = await this.#redis.guardedOn(server, () => server.wait(atLeast, timeoutMs));
    if (had >= atLeast) return;
    await this.release(key, owner);
    throw new StoreUnavailableError(`only ${had} of ${atLeast} replicas had the lock within ${timeoutMs} ms`);
  }
}

/** In the slot of the lock: what decides it stands in braces, of which both have the same. */
function bookOf(lock: string): string {
  return `${lock}:book`;
}

function checkedReplicas(replicas: ReplicaOptions, deadlineMs = 250): Required<ReplicaOptions> {
  assertOptionNames("RedisLockStore: replicas", replicas, ["atLeast", "timeoutMs"]);
  const { atLeast, timeoutMs = 100 } = replicas;
  assertCount(atLeast, "replicas.atLeast");
  assertCount(timeoutMs, "replicas.timeoutMs");
  // Else each replica that is slow would look like a server that is away.
  if (timeoutMs >= deadlineMs) {
    throw new TypeError(`replicas.timeoutMs must be less than deadlineMs (${deadlineMs}), not ${timeoutMs}`);
  }
  return { atLeast, timeoutMs };
}
