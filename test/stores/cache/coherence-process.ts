import { randomInt } from "node:crypto";
import { Redis } from "ioredis";
import { createRedis } from "express-redis-suite/redis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import type { Order, Witness } from "./coherence-processes.ts";

/** One of several processes that write and read the same keys; `coherence-processes.ts` starts it and judges. */
const LONG_MS = 60_000;
const KEYS_EACH = 4;
const READERS = 8;
/** Between writes, so that copies are read between them. */
const LONGEST_PAUSE_MS = 10;

interface Connected {
  readonly store: TieredCacheStore;
  readonly foreign: Redis;
  readonly own: readonly string[];
  readonly all: readonly string[];
}

let connected: Connected | undefined;
let version = 0;

process.on("message", (order: Order) => {
  void carryOut(order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function carryOut(order: Order): Promise<object> {
  if (order.kind === "run") return run(order);
  const client = await createRedis(order.url, { maxReconnectDelayMs: 10, commandTimeoutMs: 10_000 });
  const keysOf = (index: number): string[] => Array.from({ length: KEYS_EACH }, (_, at) => `k${index}-${at}`);
  connected = {
    store: new TieredCacheStore({ l2: new RedisCacheStore({ client, prefix: "app", deadlineMs: 10_000 }) }),
    foreign: new Redis(order.url),
    own: keysOf(order.index),
    all: Array.from({ length: order.processes }, (_, index) => keysOf(index)).flat(),
  };
  return {};
}

async function run({ writingMs, readingMs, foreign }: Extract<Order, { kind: "run" }>): Promise<Witness> {
  if (!connected) throw new Error("not connected");
  const { store, own, all } = connected;
  const witness = { written: [] as Entry[], read: [] as Entry[], failed: 0, unlikeWritten: 0 };
  const during = async (ms: number, act: () => Promise<unknown>): Promise<void> => {
    const endsAt = now() + ms;
    while (now() < endsAt) {
      await act().catch(() => (witness.failed += 1));
      // As in a server, where each request comes from the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const reader = async (): Promise<void> => {
    const key = pick(all);
    const at = now();
    const value = await store.get(key);
    witness.read.push([key, Number(value ?? 0), at]);
  };
  const writer = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, randomInt(LONGEST_PAUSE_MS)));
    const key = pick(own);
    const next = ++version;
    const asForeigner = foreign && randomInt(3) === 0;
    await (asForeigner ? writePast(key, next) : writeThrough(key, next));
    witness.written.push([key, next, now()]);
    if (!asForeigner && Number(await store.get(key)) !== next) witness.unlikeWritten += 1;
  };
  const readers = Array.from({ length: READERS }, () => during(writingMs + readingMs, reader));
  await Promise.all([during(writingMs, writer), ...readers]);
  return { ...witness, stats: store.stats() };
}

type Entry = [key: string, version: number, at: number];

async function writeThrough(key: string, next: number): Promise<void> {
  if (!connected) throw new Error("not connected");
  const { store } = connected;
  const value = Buffer.from(String(next));
  if (randomInt(2) === 0) return store.set(key, value, LONG_MS);
  const { token = "" } = await store.lead(key, LONG_MS);
  if (!(await store.fill(key, { token, value, ttlMs: LONG_MS }))) throw new Error("the lease is lost");
}

async function writePast(key: string, next: number): Promise<void> {
  await connected?.foreign.set(`app:{${key}}`, String(next));
}

function pick(keys: readonly string[]): string {
  return keys[randomInt(keys.length)] ?? "";
}

/** The machine's clock, which all its processes share and nobody sets. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
