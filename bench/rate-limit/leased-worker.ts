import { setTimeout as sleep } from "node:timers/promises";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { answerParent } from "../harness/child.ts";

export interface LeasedWorkerOptions {
  readonly redisUrl: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly requests: number;
  /** Requests at the same time. */
  readonly connections: number;
  /** How long each of them waits between an admission and its next request. */
  readonly pauseMs: number;
}

export interface Admissions {
  /** Admitted requests by the end of the server's window that each fell into, microseconds of the server's clock. */
  readonly byWindowEnd: ReadonlyMap<number, number>;
  /** Units spent when the window they were charged to was over, or not yet begun. */
  readonly outsideWindow: number;
  /** How far our idea of the server's clock went astray meanwhile. */
  readonly clockDriftUs: number;
}

/** A client that is refused comes back after a while; without that a refusal would end the benchmark in a moment. */
const REFUSED_PAUSE_MS = 5;

await answerParent(async () => countAdmissions);

async function countAdmissions(options: LeasedWorkerOptions): Promise<Admissions> {
  const { redisUrl, limit, windowMs, requests, connections, pauseMs } = options;
  const client = await createRedis(redisUrl);
  // Four processes may well fill all cores; a slow answer is no failure here.
  const shared = new RedisRateLimitStore({ client, prefix: "leased", deadlineMs: 5000 });
  const lastWindowEnd = windowEndsOf(shared);
  const lastReadingMs = watchClock();
  const store = new LeasedRateLimitStore({ store: shared });
  const policies = policySet([{ name: "hot", algorithm: "fixed-window", limit, windowMs }]);
  const byWindowEnd = new Map<number, number>();
  let outsideWindow = 0;
  let left = requests;
  const clockAheadUs = await serverClockAheadUs(client);

  const connection = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const { allowed, source, receipt } = await store.consume("key", policies, 1);
      if (!allowed) await sleep(REFUSED_PAUSE_MS);
      else {
        // What Redis itself decided is charged where it says; what a lease paid for is counted where it was spent.
        const end = source === "lease" ? lastWindowEnd() : (receipt?.marks[0] ?? NaN);
        // As the lease read the clock when it was spent: this process may have stood still since.
        const now = lastReadingMs() * 1000 + clockAheadUs;
        if (source === "lease" && (now >= end || now < end - windowMs * 1000)) outsideWindow += 1;
        else byWindowEnd.set(end, (byWindowEnd.get(end) ?? 0) + 1);
        if (pauseMs > 0) await sleep(pauseMs);
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  const clockDriftUs = Math.abs((await serverClockAheadUs(client)) - clockAheadUs);
  client.disconnect();
  return { byWindowEnd, outsideWindow, clockDriftUs };
}

/** What this process's clock said the last time that anybody asked it. */
function watchClock(): () => number {
  const now = performance.now.bind(performance);
  let reading = now();
  performance.now = () => (reading = now());
  return () => reading;
}

/** Listens to the answers of Redis, whose receipts name the end of the window that was charged. */
function windowEndsOf(shared: RedisRateLimitStore): () => number {
  let last = 0;
  const consume = shared.consume.bind(shared);
  shared.consume = async (key, policies, cost) => {
    const decision = await consume(key, policies, cost);
    last = decision.receipt?.marks[0] ?? last;
    return decision;
  };
  return () => last;
}

/** Microseconds that the server's clock is ahead of `performance.now()`, from the quickest of some round trips. */
async function serverClockAheadUs(client: RedisClient): Promise<number> {
  let quickest = Infinity;
  let aheadUs = 0;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const sentAt = performance.now();
    const [seconds, microseconds] = await client.time();
    const took = performance.now() - sentAt;
    if (took >= quickest) continue;
    quickest = took;
    aheadUs = Number(seconds) * 1e6 + Number(microseconds) - (sentAt + took / 2) * 1000;
  }
  return aheadUs;
}
