import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { close, createRedis, defineScript, type RedisClient } from "express-redis-suite/redis";
import { HEARTBEAT_MS, type LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager, type Lock } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { watchWithheldTime } from "../../support/own-time.ts";
import { CALLERS_PER_KEY, TTL_MS, WAIT_MS, type Order, type Witness } from "./contender-processes.ts";
import type { Section } from "./history.ts";

/**
 * One of several processes that want the same locks; `contender-processes.ts` starts it. A rejection that nobody handles
 * ends it (`--unhandled-rejections=strict`), and so fails the test.
 */

/** KEYS 1: the register, 2: what it accepted. ARGV 1: the fence. Returns 1, or 0 where it has seen a higher one. */
const write = defineScript<[fence: number], number>(
  "test.register",
  2,
  `
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
if tonumber(ARGV[1]) < last then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[1])
return 1
`,
);

/** The questions of one owner. */
interface Asked {
  readonly firstAt: number;
  lastAt: number;
  /** The first of those since it was last refused: any of them may be the one that got the lock. */
  sentAt: number | undefined;
  placedAt: number | undefined;
  /** Whether it asked so often that it kept its place. */
  isAlive: boolean;
}

interface Caller {
  readonly round: Round;
  readonly key: string;
  readonly autoExtend: boolean;
}

interface Turn extends Caller {
  readonly joinedAt: number;
  readonly asked: Asked;
}

type AskedBy = (lock: Lock) => Asked;

interface Round {
  readonly client: RedisClient;
  readonly stop: AbortController;
  readonly callers: Promise<unknown>[];
  readonly sections: Section[];
  readonly failed: Record<string, number>;
  worstOverdueMs: number;
  refused: number;
}

let register: Redis;
let round: Round | undefined;
const withheld = watchWithheldTime();

process.on("message", (order: Order) => {
  void carryOut(order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function carryOut(order: Order): Promise<object> {
  if (order.kind === "connect") register = new Redis(order.registerUrl);
  if (order.kind === "contend") await begin(order);
  if (order.kind === "look") return { sections: round?.sections.length ?? 0 };
  return order.kind === "finish" ? finish() : {};
}

async function begin({ url, keys }: Extract<Order, { kind: "contend" }>): Promise<void> {
  // One that failed half-way.
  await finish();
  const client = await createRedis(url, { maxReconnectDelayMs: 20 });
  const stop = new AbortController();
  const begun: Round = { client, stop, callers: [], sections: [], failed: {}, worstOverdueMs: 0, refused: 0 };
  round = begun;
  const { store, askedBy } = watched(new RedisLockStore({ client, prefix: "l" }));
  const locks = new LockManager(store);
  for (const key of keys) {
    for (let caller = 0; caller < CALLERS_PER_KEY; caller++) {
      begun.callers.push(callAgain(locks, askedBy, { round: begun, key, autoExtend: caller === 0 }));
    }
  }
}

async function finish(): Promise<Partial<Witness>> {
  if (!round) return {};
  round.stop.abort();
  await Promise.all(round.callers);
  await close(round.client);
  const { sections, failed, worstOverdueMs, refused } = round;
  round = undefined;
  return { sections, failed, worstOverdueMs, refused };
}

async function callAgain(locks: LockManager, askedBy: AskedBy, caller: Caller): Promise<void> {
  const { round: of, key, autoExtend } = caller;
  while (!of.stop.signal.aborted) {
    const joinedAt = now();
    const lock = await inTime(of, locks.acquire(key, { ttlMs: TTL_MS, waitMs: WAIT_MS, autoExtend }));
    if (lock) await work(lock, { ...caller, joinedAt, asked: askedBy(lock) });
    // The store may be away: not a tight loop.
    else await pause(5);
  }
}

/** Notes how long it took, and why it failed. */
async function inTime(of: Round, asked: Promise<Lock>): Promise<Lock | undefined> {
  const from = performance.now();
  try {
    return await asked;
  } catch (error) {
    const { code = String(error) } = error as { code?: string };
    of.failed[code] = (of.failed[code] ?? 0) + 1;
    return undefined;
  } finally {
    const until = performance.now();
    const overdueMs = until - from - WAIT_MS - withheld.between(from, until);
    of.worstOverdueMs = Math.max(of.worstOverdueMs, overdueMs);
  }
}

async function work(lock: Lock, { round: of, joinedAt, autoExtend, asked }: Turn): Promise<void> {
  const { key, fence } = lock;
  const { firstAt, placedAt, isAlive, sentAt = firstAt } = asked;
  const beginAt = now();
  let endAt = lock.isValid() ? beginAt : undefined;
  // Some stand still for longer than their time, and write when it is over.
  const steps = !autoExtend && Math.random() < 0.01 ? Infinity : 3;
  for (let step = 0; endAt !== undefined && step < steps; step++) {
    await record(of, lock);
    await pause(steps === Infinity ? 20 : Math.random() * 4);
    const seenAt = now();
    if (!lock.isValid()) break;
    endAt = seenAt;
  }
  await lock.release().catch(() => {});
  if (endAt === undefined) return;
  const line = placedAt !== undefined && isAlive ? { line: { askedAt: firstAt, placedAt } } : {};
  of.sections.push({ key, fence, joinedAt, sentAt, beginAt, endAt, ...line });
  if (Math.random() < 0.1) {
    await pause(10);
    await record(of, lock);
  }
}

async function record(of: Round, { key, fence }: Lock): Promise<void> {
  const accepted = await write.run(register, [`{${key}}`, `{${key}}:accepted`], [fence]);
  if (accepted === 0) of.refused += 1;
}

/** Notes when each owner asked. */
function watched(store: LockStore): { readonly store: LockStore; readonly askedBy: AskedBy } {
  const byOwner = new Map<string, Asked>();
  const byFence = new Map<string, Asked>();
  const acquire: LockStore["acquire"] = async (request) => {
    const { key, owner } = request;
    const sentAt = now();
    const asked = byOwner.get(owner) ?? begunAt(sentAt);
    if (sentAt - asked.lastAt > HEARTBEAT_MS / 2) asked.isAlive = false;
    asked.lastAt = sentAt;
    asked.sentAt ??= sentAt;
    byOwner.set(owner, asked);
    const attempt = await store.acquire(request);
    if (attempt.acquired) byFence.set(`${key} ${attempt.fence}`, asked);
    else {
      asked.placedAt ??= now();
      asked.sentAt = undefined;
    }
    return attempt;
  };
  const own: LockStore = {
    features: store.features,
    acquire,
    extend: (...args) => store.extend(...args),
    release: (...args) => store.release(...args),
    inspect: (key) => store.inspect(key),
    onTurn: (listener) => store.onTurn?.(listener) ?? (() => {}),
    now: () => store.now(),
  };
  const askedBy = ({ key, fence }: Lock): Asked => {
    const asked = byFence.get(`${key} ${fence}`);
    if (!asked) throw new Error(`nobody asked for ${key}`);
    return asked;
  };
  return { store: own, askedBy };
}

function begunAt(firstAt: number): Asked {
  return { firstAt, lastAt: firstAt, sentAt: undefined, placedAt: undefined, isAlive: true };
}

/** In milliseconds, by a clock that all processes share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
