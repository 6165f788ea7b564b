import { createHash, randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { Mutex } from "redis-semaphore";
import Redlock from "redlock";
import { PATIENCE_MS, TTL_MS, type Locker, type LockPlace } from "./contender.ts";

/** `auto`: ioredis collects the commands of one turn of the event loop into a pipeline. */
export type Batching = "plain" | "auto";

const DELETE_IF_OWN = `if redis.call("get", KEYS[1]) == ARGV[1] then return redis.call("del", KEYS[1]) end return 0`;
const DELETE_IF_OWN_SHA = createHash("sha1").update(DELETE_IF_OWN).digest("hex");

/** What one would write over Redis: no deadline, no fence, no waiting. */
export async function byHand({ url, prefix }: LockPlace, batching: Batching = "plain"): Promise<Locker> {
  const client = await peerClient(url, batching);
  await client.script("LOAD", DELETE_IF_OWN);
  return async (id) => {
    const key = `${prefix}:${id}`;
    const owner = randomUUID();
    if ((await client.set(key, owner, "PX", TTL_MS, "NX")) !== "OK") throw new Error(`${key} is held`);
    return () => client.evalsha(DELETE_IF_OWN_SHA, 1, key, owner);
  };
}

export interface MutexSettings {
  /** Milliseconds; its default is 10. */
  readonly retryInterval?: number;
  /** One that is reused needs no owner of its own each time, and one that is not extended needs no timer. */
  readonly lean?: boolean;
}

/** A mutex for each lock, extended by a timer, as its README has it; or one for each key, without. */
export async function redisSemaphore(
  { url, prefix }: LockPlace,
  batching: Batching = "plain",
  { retryInterval = 10, lean = false }: MutexSettings = {},
): Promise<Locker> {
  const client = await peerClient(url, batching);
  const options = { lockTimeout: TTL_MS, acquireTimeout: PATIENCE_MS, retryInterval };
  const reused = new Map<string, Mutex>();
  const leanMutex = (key: string): Mutex => {
    const mutex = reused.get(key) ?? new Mutex(client, key, { ...options, refreshInterval: 0 });
    reused.set(key, mutex);
    return mutex;
  };
  return async (id) => {
    const key = `${prefix}:${id}`;
    const mutex = lean ? leanMutex(key) : new Mutex(client, key, options);
    await mutex.acquire();
    return () => mutex.release();
  };
}

export interface RedlockDelays {
  /** Milliseconds; their defaults are 200 and 100. */
  readonly retryDelay?: number;
  readonly retryJitter?: number;
}

/** On one server, which is what it is compared with; asked again for ever, since by its default it gives up. */
export async function redlock(
  { url, prefix }: LockPlace,
  batching: Batching = "plain",
  delays: RedlockDelays = {},
): Promise<Locker> {
  const locks = new Redlock([await peerClient(url, batching)], { retryCount: -1, ...delays });
  return async (id) => {
    const lock = await locks.acquire([`${prefix}:${id}`], TTL_MS);
    return () => lock.release();
  };
}

async function peerClient(url: string, batching: Batching): Promise<Redis> {
  const client = new Redis(url, { enableAutoPipelining: batching === "auto", lazyConnect: true });
  await client.connect();
  return client;
}
