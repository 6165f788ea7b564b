import type { Redis } from "ioredis";
import type { RedisAccess } from "../redis/access.ts";
import { serverOf, type Server } from "../redis/server-of.ts";
import { MasterFeed, type CoherenceMode, type FeedTopic } from "./tiered/master-feed.ts";

export type { CoherenceMode } from "./tiered/master-feed.ts";

export interface InvalidationListener {
  /** This key of `RedisAccess.key` has changed. */
  onKey(redisKey: string): void;
  /** Any key may have changed. */
  onDoubt(): void;
}

/**
 * Tells of every change to the keys of a store, whichever process made it, for as long as it is {@link coherent}; one
 * connection per master, which follows a Cluster's topology. Changes that happen while it is not are not told of later.
 *
 * Where the server does not let it track (an ACL without `+client` or without the channel `__redis__:invalidate`, a
 * proxy, a server that knows no tracking), it listens to a channel on which the stores announce their own writes. What
 * others write is then not seen, nor FLUSHALL.
 */
export class Invalidation {
  readonly #redis: RedisAccess;
  readonly #listener: InvalidationListener;
  readonly #topic: FeedTopic;
  readonly #feeds = new Map<string, MasterFeed>();
  readonly #follow = (): void => this.#followTopology();
  #coherent = false;

  constructor(redis: RedisAccess, listener: InvalidationListener) {
    const { client, prefix } = redis;
    const { keyPrefix = "" } = client.options;
    this.#redis = redis;
    this.#listener = listener;
    this.#topic = {
      keysFrom: `${keyPrefix}${prefix}:{`,
      channel: `${keyPrefix}${prefix}:changed`,
      onKeys: (keys) => {
        for (const key of keys) listener.onKey(key.slice(keyPrefix.length));
      },
      onDoubt: () => this.#doubt(),
    };
    if ("nodes" in client) {
      // A replica that becomes a master shows in the refresh alone.
      for (const event of TOPOLOGY_EVENTS) client.on(event, this.#follow);
      this.#followTopology();
    } else {
      this.#feeds.set("", new MasterFeed(client, this.#topic));
    }
  }

  /** Whether every change from now on will be told of, or doubt in good time. */
  get coherent(): boolean {
    return this.#coherent;
  }

  /** The weakest of any master that has answered yet; while connections are away, as it was last. */
  get mode(): CoherenceMode {
    const modes = this.#modes();
    return (["none", "bus", "tracking"] as const).find((mode) => modes.includes(mode)) ?? "none";
  }

  /**
   * Tells the others of one's own write, once it is made, where Redis does not. Costs nothing while it does.
   *
   * @throws as `RedisAccess.guarded`, where they may not have been told
   */
  async announce(redisKeys: readonly string[]): Promise<void> {
    const modes = this.#modes();
    // Redis tells them, or nobody can be told.
    if (modes.length > 0 && modes.every((mode) => mode === "tracking" || mode === "none")) return;
    const { keyPrefix = "" } = this.#redis.client.options;
    const told = [...this.#byServer(redisKeys)].map(([server, keys]) => {
      // As Redis itself would tell of them; ioredis puts its prefix before keys, and before no message.
      const message = keys.map((key) => keyPrefix + key).join("\n");
      return this.#redis.guardedOn(server, () => server.publish(this.#topic.channel, message));
    });
    try {
      await Promise.all(told);
    } catch (error) {
      // Before the first answer it is not known whether there is a bus at all.
      if (modes.includes("bus")) throw error;
    }
  }

  /** What it announces from then on depends on what was known last. */
  close(): void {
    const { client } = this.#redis;
    if ("nodes" in client) for (const event of TOPOLOGY_EVENTS) client.off(event, this.#follow);
    for (const feed of this.#feeds.values()) feed.close();
    this.#doubt();
  }

  #modes(): (CoherenceMode | undefined)[] {
    return [...this.#feeds.values()].map(({ mode }) => mode);
  }

  /** The server of each key, whom all listeners are connected to: no message has to cross the Cluster. */
  #byServer(redisKeys: readonly string[]): Map<Server, string[]> {
    const byServer = new Map<Server, string[]>();
    for (const key of redisKeys) {
      const server = serverOf(this.#redis.client, key);
      byServer.set(server, [...(byServer.get(server) ?? []), key]);
    }
    return byServer;
  }

  #followTopology(): void {
    const { client } = this.#redis;
    if (!("nodes" in client)) return;
    const masters = new Map(client.nodes("master").map((node): [string, Redis] => [addressOf(node), node]));
    const gone = [...this.#feeds.keys()].filter((address) => !masters.has(address));
    const come = [...masters].filter(([address]) => !this.#feeds.has(address));
    for (const address of gone) {
      this.#feeds.get(address)?.close();
      this.#feeds.delete(address);
    }
    for (const [address, master] of come) this.#feeds.set(address, new MasterFeed(master, this.#topic));
    if (gone.length + come.length > 0) this.#doubt();
  }

  #doubt(): void {
    const feeds = [...this.#feeds.values()];
    this.#coherent = feeds.length > 0 && feeds.every(({ listening }) => listening);
    this.#listener.onDoubt();
  }
}

const TOPOLOGY_EVENTS = ["+node", "-node", "refresh"] as const;

function addressOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}
