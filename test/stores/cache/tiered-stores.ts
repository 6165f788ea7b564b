import { expect } from "chai";
import { Redis } from "ioredis";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { TieredCacheStore, type TieredCacheStoreOptions } from "express-redis-suite/stores/cache/tiered";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

export type TieredSettings = Omit<TieredCacheStoreOptions, "l2"> & {
  readonly prefix?: string;
  readonly client?: RedisClient;
  readonly waitForConnection?: boolean;
};

export interface TieredStores {
  /** A store on a connection of its own, unless it is given one, which is coherent already. */
  coherent(url: string, settings?: TieredSettings): Promise<TieredCacheStore>;
  /** A store as it is at its beginning. */
  open(url: string, settings?: TieredSettings): Promise<TieredCacheStore>;
  /** A client that knows nothing of the suite. */
  plain(port: number): Redis;
}

/** Stores and clients that are closed after each test. */
export function useTieredStores(): TieredStores {
  let open: (() => unknown)[] = [];
  afterEach(async () => {
    await Promise.all(open.map((end) => end()));
    open = [];
  });
  const stores: TieredStores = {
    async coherent(url, settings) {
      const store = await stores.open(url, settings);
      await untilCoherent(store);
      return store;
    },
    async open(url, { prefix = "app", client, waitForConnection = true, ...settings } = {}) {
      const options = { maxReconnectDelayMs: 20, commandTimeoutMs: PATIENT_MS, waitForConnection };
      const own = client ?? (await createRedis(url, options));
      const l2 = new RedisCacheStore({ client: own, prefix, deadlineMs: PATIENT_MS });
      const store = new TieredCacheStore({ l2, ...settings });
      open.push(
        () => store.close(),
        () => close(own),
      );
      return store;
    },
    plain(port) {
      const client = new Redis({ host: "127.0.0.1", port });
      client.on("error", () => {});
      open.push(() => client.disconnect());
      return client;
    },
  };
  return stores;
}

export async function untilCoherent(store: TieredCacheStore): Promise<void> {
  await eventually(() => expect(store.stats().coherent).to.equal(true));
}

export async function read(store: TieredCacheStore, key: string): Promise<string | undefined> {
  return (await store.get(key))?.toString();
}

/** Reads until the store answers from its copy. */
export async function untilCopied(store: TieredCacheStore, key: string): Promise<void> {
  await eventually(async () => {
    const before = store.stats().hits.l1;
    expect(await store.get(key), "what there is to copy").not.to.equal(undefined);
    expect(store.stats().hits.l1).to.equal(before + 1);
  });
}
