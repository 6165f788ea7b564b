import { createRedis } from "express-redis-suite/redis";
import { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import type { CacheOrder } from "./cache-processes.ts";

/** One of several processes that ask for the same key; `cache-processes.ts` starts it and gives the orders. */
let cache: ObjectCache<number> | undefined;
let loads = 0;

process.on("message", (order: CacheOrder) => {
  void carryOut(order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function carryOut(order: CacheOrder): Promise<object> {
  switch (order.kind) {
    case "connect": {
      const client = await createRedis(order.url, { maxReconnectDelayMs: 10, commandTimeoutMs: 5000 });
      const store = new RedisCacheStore({ client, prefix: "stampede", deadlineMs: 4000 });
      const { leaseMs } = order;
      cache = new ObjectCache({ store, ttlMs: 60_000, load: { beta: 0, waitMs: 20_000, leaseMs } });
      return {};
    }
    case "ask":
      return ask(order);
    case "lead":
      // Tells that it leads, and never ends.
      return new Promise((resolve) => {
        void cache?.getOrLoad(order.key, () => (resolve({}), new Promise(() => {})));
      });
  }
}

async function ask({ key, callers, loadMs }: Extract<CacheOrder, { kind: "ask" }>): Promise<object> {
  loads = 0;
  const loader = async (): Promise<number> => {
    loads += 1;
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    return process.pid;
  };
  const values = new Set(
    await Promise.all(Array.from({ length: callers }, async () => cache?.getOrLoad(key, loader))),
  );
  return { values: [...values], loads };
}
