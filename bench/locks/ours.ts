import { createRedis, type RedisClient } from "express-redis-suite/redis";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { EtcdLockStore } from "express-redis-suite/stores/lock/etcd";
import { MysqlLockStore } from "express-redis-suite/stores/lock/mysql";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { RedlockStore } from "express-redis-suite/stores/lock/redlock";
import { Etcd3 } from "etcd3";
import { createPool } from "mysql2/promise";
import { PATIENCE_MS, TTL_MS, type Locker, type LockPlace } from "./contender.ts";
import type { Batching } from "./peers.ts";

/** Several processes may well fill all cores; a slow answer is no failure here. */
const DEADLINE_MS = 5000;

export async function redisStore(
  { url, prefix }: LockPlace,
  batching: Batching = "plain",
): Promise<LockStore> {
  const client: RedisClient = await createRedis(url);
  // Read at each command; createRedis has no option for it.
  client.options.enableAutoPipelining = batching === "auto";
  return new RedisLockStore({ client, prefix, deadlineMs: DEADLINE_MS });
}

export async function redlockStore({ url, prefix }: LockPlace): Promise<LockStore> {
  const clients = await Promise.all(url.split(",").map((one) => createRedis(one)));
  return new RedlockStore({ clients, prefix, deadlineMs: DEADLINE_MS });
}

export function etcdStore({ url, prefix }: LockPlace): LockStore {
  return new EtcdLockStore({ client: new Etcd3({ hosts: [url] }), prefix, deadlineMs: DEADLINE_MS });
}

/** With a connection for each lock that is held at the same time. */
export function mysqlStore({ url, prefix }: LockPlace): LockStore {
  const pool = createPool({ uri: url, connectionLimit: 60 });
  return new MysqlLockStore({ pool, prefix, deadlineMs: DEADLINE_MS });
}

export function memoryStore(): LockStore {
  return new MemoryLockStore();
}

/** Refused at once where another holds it. */
export function askingOnce(store: LockStore): Locker {
  return acquiring(store, 0);
}

/** As ready to wait as the peers are by their defaults, and for longer. */
export function waiting(store: LockStore): Locker {
  return acquiring(store, PATIENCE_MS);
}

function acquiring(store: LockStore, waitMs: number): Locker {
  const locks = new LockManager(store);
  return async (key) => {
    const lock = await locks.acquire(key, { ttlMs: TTL_MS, waitMs });
    return () => lock.release();
  };
}

/** With a timer that would extend the lock, and a context in which it is held. */
export function using(store: LockStore): Locker {
  const locks = new LockManager(store);
  return (key) =>
    new Promise((resolve, reject) => {
      const work = (): Promise<void> => new Promise((end) => resolve(() => (end(), over)));
      const over = locks.using(key, { ttlMs: TTL_MS, waitMs: PATIENCE_MS }, work);
      over.catch(reject);
    });
}
