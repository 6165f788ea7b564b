import { appendFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import express from "express";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { rateLimit } from "express-redis-suite/rate-limit";
import type { RateLimitPolicy, RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import type { Hammered, Order } from "./limiter-processes.ts";

/** One of several processes that ask for the same units; `limiter-processes.ts` starts it and gives the orders. */
let client: RedisClient | undefined;

process.on("message", (order: Order) => {
  void carryOut(order).then((answer) => process.send?.(answer ?? {}));
});
process.on("disconnect", () => process.exit(0));

async function carryOut(order: Order): Promise<object | undefined> {
  switch (order.kind) {
    case "connect":
      client = await createRedis(order.url, { maxReconnectDelayMs: 10, commandTimeoutMs: 5000 });
      return undefined;
    case "skew":
      skewClocks(order.byMs);
      return undefined;
    case "hammer":
      return hammer(storeOf(order.leased), order);
    case "serve":
      return { port: await serve(order.policies) };
  }
}

function storeOf(leased = false): RateLimitStore {
  if (!client) throw new Error("not connected");
  const store = new RedisRateLimitStore({ client, prefix: "hammered", deadlineMs: 4000 });
  return leased ? new LeasedRateLimitStore({ store }) : store;
}

/** What a machine does whose clock is wrong. */
function skewClocks(byMs: number): void {
  const [wall, monotonic] = [Date.now.bind(Date), performance.now.bind(performance)];
  Date.now = () => wall() + byMs;
  performance.now = () => monotonic() + byMs;
}

type HammerOrder = Extract<Order, { kind: "hammer" }>;

async function hammer(store: RateLimitStore, order: HammerOrder): Promise<Hammered> {
  const policies = policySet(order.policies);
  const { key, inFlight, calls = Infinity, forMs = Infinity, journal } = order;
  const hammered = { admitted: 0, refused: 0, failed: 0, windows: {} as Record<string, number> };
  const endsAt = performance.now() + forMs;
  let left = calls;
  const connection = async (): Promise<void> => {
    while (left > 0 && performance.now() < endsAt) {
      left -= 1;
      const askedAt = Date.now();
      try {
        const { allowed, receipt } = await store.consume(key, policies, 1);
        hammered[allowed ? "admitted" : "refused"] += 1;
        const window = String(receipt?.marks[0]);
        if (allowed) hammered.windows[window] = (hammered.windows[window] ?? 0) + 1;
        // Written at once, so that the units of a process that is killed are known.
        if (allowed && journal) appendFileSync(journal, `${askedAt} ${window}\n`);
      } catch {
        hammered.failed += 1;
        await pause();
      }
      if (forMs !== Infinity) await pause();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, connection));
  return hammered;
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 1);
  });
}

function serve(policies: readonly RateLimitPolicy[]): Promise<number> {
  const app = express();
  app.use(rateLimit({ store: storeOf(), policies, key: () => "everybody", onStoreError: "deny" }));
  app.get("/", (_req, res) => void res.end("through"));
  app.get("/hang", () => {});
  return new Promise((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
