import type { Etcd3 } from "etcd3";
import type { Redis } from "ioredis";
import type { Pool as CallbackPool } from "mysql2";
import type { Pool } from "mysql2/promise";
import { LockQueueFullError, LockTimeoutError } from "express-redis-suite/stores/errors";
import { redisStores, type RedisStores, type RedisStoresOptions } from "express-redis-suite/stores";
import {
  STAMP_LIFE_MS,
  type CacheFill,
  type CacheLead,
  type CacheReading,
  type CacheStore,
} from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore, type MemoryCacheStoreOptions } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import {
  TieredCacheStore,
  type CoherenceMode,
  type TieredCacheStats,
  type TieredCacheStoreOptions,
} from "express-redis-suite/stores/cache/tiered";
import {
  EmbeddedRedisError,
  LockLostError,
  RedisConnectError,
  ScoreOutOfRangeError,
  SessionEndedError,
  SessionLimitError,
  SessionTooLargeError,
  StoreTimeoutError,
  StoreUnavailableError,
} from "express-redis-suite/stores/errors";
import {
  RedisLeaderboard,
  type RedisLeaderboardOptions,
  type ScoreColumn,
  type Standing,
  type Submission,
} from "express-redis-suite/stores/leaderboard/redis";
import {
  HEARTBEAT_MS,
  type LockAttempt,
  type LockFeature,
  type LockHolder,
  type LockRelease,
  type LockRequest,
  type LockState,
  type LockStore,
} from "express-redis-suite/stores/lock/contract";
import {
  assertLockTtlMs,
  LockManager,
  type ClockCheck,
  type ClockCheckOptions,
  type HeldInfo,
  type LockManagerOptions,
  type LockOptions,
  type WaitOptions,
  type Lock,
  type TryAcquire,
} from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore, type MemoryLockStoreOptions } from "express-redis-suite/stores/lock/memory";
import { MysqlLockStore, type MysqlLockStoreOptions } from "express-redis-suite/stores/lock/mysql";
import { EtcdLockStore, type EtcdLockStoreOptions } from "express-redis-suite/stores/lock/etcd";
import {
  RedisLockStore,
  type RedisLockStoreOptions,
  type ReplicaOptions,
} from "express-redis-suite/stores/lock/redis";
import { exactly } from "./exactly.ts";

declare const client: Redis;
declare const etcd: Etcd3;
const settings = { client, prefix: "p", deadlineMs: 250 };

// All of them.
const options: RedisStoresOptions = { prefix: "p", deadlineMs: 1 };
const stores: RedisStores = redisStores(client, options);
exactly<LockManager>()(stores.locks);
// @ts-expect-error: no prefix
redisStores(client);
// @ts-expect-error: a client, not its address
redisStores("redis://127.0.0.1", { prefix: "p" });

// Bytes.
const cacheOptions: MemoryCacheStoreOptions = {};
const caches: CacheStore[] = [
  new MemoryCacheStore(cacheOptions),
  new RedisCacheStore(settings),
  stores.cache,
  new TieredCacheStore({ l2: stores.cache }),
];
const tieredOptions: TieredCacheStoreOptions = { l2: stores.cache, maxBytes: 1, maxAgeMs: 1, now: () => 0 };
const stats: TieredCacheStats = new TieredCacheStore(tieredOptions).stats();
const mode: CoherenceMode = stats.mode;
exactly<"tracking" | "bus" | "none">()(mode);
// @ts-expect-error: in front of a cache in Redis alone
void new TieredCacheStore({ l2: new MemoryCacheStore() });
exactly<number>()(STAMP_LIFE_MS);
const reading: CacheReading = { values: [undefined], stamps: ["s"] };
exactly<readonly (Buffer | undefined)[]>()(reading.values);
export async function cached(): Promise<void> {
  const { token = "" }: CacheLead = await stores.cache.lead("k", 1_000);
  const fill: CacheFill = { token, value: Buffer.from("v"), ttlMs: 1_000 };
  exactly<boolean>()(await stores.cache.fill("k", fill));
  for (const cache of caches) exactly<Buffer | undefined>()(await cache.get("k"));
  // @ts-expect-error: bytes
  await caches[0]?.set("k", "v", 1);
}

// Locks.
const lockOptions: MemoryLockStoreOptions = {};
declare const pool: Pool;
declare const callbackPool: CallbackPool;
const mysqlOptions: MysqlLockStoreOptions = { pool, prefix: "p", deadlineMs: 1 };
// @ts-expect-error: a pool of promises
void new MysqlLockStore({ pool: callbackPool, prefix: "p" });
const etcdOptions: EtcdLockStoreOptions = { client: etcd, prefix: "p", deadlineMs: 1 };
const lockStores: LockStore[] = [
  new MemoryLockStore(lockOptions),
  new RedisLockStore(settings),
  new EtcdLockStore(etcdOptions),
  new MysqlLockStore(mysqlOptions),
];
// @ts-expect-error: another client
void new EtcdLockStore(settings);
export async function locked(): Promise<Lock | undefined> {
  const asked: LockAttempt | undefined = await lockStores[0]?.acquire({
    key: "k",
    owner: "owner",
    ttlMs: 1,
    limit: 2,
    waitedMs: 0,
  });
  // @ts-expect-error: known only of a lock that was not acquired
  void asked?.retryAfterMs;
  const redisLocks: RedisLockStoreOptions = { ...settings, replicas: { atLeast: 1, timeoutMs: 50 } };
  void new RedisLockStore(redisLocks);
  const wants: LockManagerOptions = { requires: ["fencing", "line"], maxWaiting: 10 };
  const manager = new LockManager(new MemoryLockStore(), wants);
  exactly<number>()(await manager.using(["a", "b"], { ttlMs: 1, waitMs: 1 }, (lock) => lock.fence));
  exactly<string>()(await manager.using("a", { ttlMs: 1 }, async ({ key }) => key));
  const released: LockRelease = await (await manager.acquire("a", { ttlMs: 1, limit: Infinity })).release();
  void released;
  // @ts-expect-error: no such feature
  void new LockManager(new MemoryLockStore(), { requires: ["speed"] });
  // @ts-expect-error: no such option
  void manager.acquire("a", { ttlMs: 1, retryCount: 1 });
  assertLockTtlMs(1);
  const attempt: TryAcquire = await new LockManager(new MemoryLockStore()).tryAcquire("k", { ttlMs: 1 });
  if (!attempt.acquired) exactly<number>()(attempt.retryAfterMs);
  return attempt.acquired ? attempt.lock : undefined;
}

// Boards, whose columns have the names that they were declared with.
export async function standings(): Promise<Standing | undefined> {
  const columns: readonly ScoreColumn<"points" | "goals">[] = [
    { name: "points", min: 0, max: 99 },
    { name: "goals", min: 0, max: 99 },
  ];
  const boardOptions: RedisLeaderboardOptions<"points" | "goals"> = { ...settings, columns };
  const board = new RedisLeaderboard(boardOptions);
  const submissions: readonly Submission[] = [{ id: "s", changes: [{ player: "p", deltas: [3, 1] }] }];
  exactly<number>()(await board.submit("b", submissions));
  const [first] = await board.top("b", 1);
  exactly<number | undefined>()(first?.columns.goals);
  // @ts-expect-error: no such column
  void first?.columns.assists;
  return first;
}

// Errors, told apart by their codes.
export function codeOf(error: unknown): string {
  if (error instanceof StoreTimeoutError) exactly<"STORE_TIMEOUT">()(error.code);
  if (error instanceof StoreUnavailableError) exactly<503>()(error.status);
  if (error instanceof LockLostError) exactly<"LOCK_LOST">()(error.code);
  if (error instanceof ScoreOutOfRangeError) exactly<422>()(error.status);
  if (error instanceof SessionEndedError) exactly<401>()(error.status);
  if (error instanceof SessionLimitError) exactly<403>()(error.status);
  if (error instanceof SessionTooLargeError) exactly<500>()(error.status);
  if (error instanceof RedisConnectError || error instanceof EmbeddedRedisError) return error.code;
  return "";
}

// What a lock store of one's own is made of.
const features: readonly LockFeature[] = ["fencing", "limits", "line", "clock"];
export class OwnLockStore implements LockStore {
  readonly features: ReadonlySet<LockFeature> = new Set(features);
  async acquire({ waitedMs }: LockRequest): Promise<LockAttempt> {
    return { acquired: false, retryAfterMs: waitedMs ?? HEARTBEAT_MS };
  }
  async extend(): Promise<boolean> {
    return false;
  }
  async release(): Promise<LockRelease> {
    return "expired";
  }
  async inspect(): Promise<LockState> {
    const holders: readonly LockHolder[] = [{ limit: 1, expiresInMs: undefined, fence: undefined }];
    return { holders, waiting: 0 };
  }
  async now(): Promise<number> {
    return 0;
  }
}
export async function watchedLocks(): Promise<readonly HeldInfo[]> {
  const plain: LockOptions = { ttlMs: 1, limit: 2, autoExtend: true };
  const wait: WaitOptions = { ...plain, waitMs: 1, signal: AbortSignal.timeout(1) };
  const replicas: ReplicaOptions = { atLeast: 1 };
  const locks = new LockManager(new RedisLockStore({ ...settings, replicas }));
  try {
    await locks.acquire("a", wait);
  } catch (error) {
    if (error instanceof LockTimeoutError) exactly<number>()(error.retryAfterMs);
    if (error instanceof LockQueueFullError) exactly<"LOCK_QUEUE_FULL">()(error.code);
  }
  const check: ClockCheckOptions = { toleranceMs: 1 };
  const clock: ClockCheck = await locks.checkClock(check);
  void clock.aheadMs;
  return locks.held();
}
