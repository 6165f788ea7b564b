import type { StoreEvent } from "../../telemetry/channels.ts";
import { observeStore } from "../../telemetry/observe-store.ts";
import { assertWithinReach } from "./breaker.ts";
import { createServerGuard, DEFAULT_DEADLINE_MS, type ServerGuard } from "./guard.ts";
import { assertPrefix, redisKey } from "./keys.ts";
import { serverOf, type RedisClient, type Server } from "./server-of.ts";

/** What every Redis store takes; a store with options of its own extends it. */
export interface RedisAccessOptions {
  readonly client: RedisClient;
  /** Put before every key: 1 to 64 letters, digits or `_ . : / -`. */
  readonly prefix: string;
  /** How long one operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

/**
 * How one store reaches its Redis: its client, its keys, and calls that have a deadline, stand behind the breaker of
 * their server, and are published once each on the channel `express-redis-suite:store`.
 */
export class RedisAccess {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly deadlineMs: number;
  readonly #store: StoreEvent["store"];
  readonly #guard: ServerGuard;

  /** @throws TypeError for a client that is none, a prefix or a deadline that is invalid */
  constructor(
    store: StoreEvent["store"],
    { client, prefix, deadlineMs = DEFAULT_DEADLINE_MS }: RedisAccessOptions,
  ) {
    if (typeof client?.evalsha !== "function")
      throw new TypeError("client must be an ioredis Redis or Cluster");
    assertPrefix(prefix);
    this.client = client;
    this.#store = store;
    this.prefix = prefix;
    this.deadlineMs = deadlineMs;
    this.#guard = createServerGuard(client, deadlineMs);
  }

  /** The Redis key of an id; keys of one id share a slot. See `redisKey`. */
  key(id: string, suffix = ""): string {
    return redisKey(this.prefix, id, suffix);
  }

  /**
   * One operation of the store: runs its command under the guard and publishes what came of it. Rejects as the guard
   * does.
   *
   * @param operation from the store's own fixed set: it becomes a metric's label
   * @param key the Redis key that the command is about, which on a Cluster tells whose breaker counts
   * @param outcomeOf what a reply means, where that is more than `ok`
   */
  call<Reply>(
    { operation, key, outcomeOf }: StoreCall<Reply>,
    run: (client: RedisClient) => Promise<Reply>,
  ): Promise<Reply> {
    return this.observe({ operation, outcomeOf }, () => this.guarded(key, run));
  }

  /** Runs commands under the guard, and publishes nothing: for a part of an operation that {@link observe} publishes. */
  guarded<Reply>(key: string, run: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    return this.guardedOn(serverOf(this.client, key), () => run(this.client));
  }

  /** As {@link guarded}, for what one server is asked that is not about a key: a scan. */
  guardedOn<Reply>(server: Server, run: () => Promise<Reply>): Promise<Reply> {
    return this.#guard(run, server);
  }

  /** Publishes what came of an operation that may be several commands, or a share of one. */
  observe<Reply>(operation: Omit<StoreCall<Reply>, "key">, run: () => Promise<Reply>): Promise<Reply> {
    return observeStore({ store: this.#store, ...operation }, run);
  }

  /**
   * For what would wait before it asks.
   *
   * @throws StoreUnavailableError while the breaker of the key's server is open
   */
  assertOpen(key: string): void {
    assertWithinReach(this.client, serverOf(this.client, key));
  }
}

export interface StoreCall<Reply> {
  readonly operation: string;
  readonly key: string;
  readonly outcomeOf?: ((reply: Reply) => "ok" | "hit" | "miss") | undefined;
}
