import type { RedisClient } from "express-redis-suite/redis";
import type {
  PolicySet,
  RateLimitPolicy,
  RateLimitReceipt,
  RateLimitStore,
} from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { composeScripts, type SetScripts } from "../../../stores/rate-limit/redis/set-scripts.ts";

/** A store whose clock a test sets, in whole microseconds, and whose waits are not yet rounded to milliseconds. */
export interface StoreAtTime {
  consume(
    at: number,
    policy: RateLimitPolicy,
    cost: number,
  ): Promise<{
    readonly allowed: boolean;
    readonly remaining: number;
    readonly retryUs: number;
    readonly receipt: RateLimitReceipt | undefined;
  }>;
  charge(at: number, policy: RateLimitPolicy, points: number): Promise<void>;
  refund(at: number, policy: RateLimitPolicy, receipt: RateLimitReceipt): Promise<void>;
  remaining(at: number, policy: RateLimitPolicy): Promise<number>;
}

/** The time, where a test has put it; and no expiry, which the server's own clock would run. */
const TEST_CLOCK = `
local now = tonumber(redis.call('GET', 'test-clock'))
local function milliseconds() return 1e15 end`;

const scriptsAtTime = (policies: PolicySet): SetScripts => composeScripts(policies, { clock: TEST_CLOCK });

/** The Redis store, whose scripts ask the test for the time. */
export function redisAtTime(client: RedisClient): StoreAtTime {
  return atTime(
    new RedisRateLimitStore({ client, prefix: "timed", deadlineMs: 5000, denyMemoryKeys: 0 }, scriptsAtTime),
    (now) => client.set("test-clock", now),
  );
}

/** The store in memory. */
export function memoryAtTime(): StoreAtTime {
  let now = 0;
  return atTime(new MemoryRateLimitStore({ now: () => now / 1000 }), async (at) => (now = at));
}

function atTime(store: RateLimitStore, setClock: (now: number) => Promise<unknown>): StoreAtTime {
  return {
    async consume(at, policy, cost) {
      await setClock(at);
      const { allowed, policies, receipt } = await store.consume("k", setOf(policy), cost);
      const [state] = policies;
      return {
        allowed,
        remaining: state?.remaining ?? -1,
        retryUs: (state?.retryAfterMs ?? 0) * 1000,
        receipt,
      };
    },
    async charge(at, policy, points) {
      await setClock(at);
      await store.charge("k", setOf(policy), points);
    },
    async refund(at, policy, receipt) {
      await setClock(at);
      await store.refund("k", setOf(policy), receipt);
    },
    async remaining(at, policy) {
      await setClock(at);
      return (await store.peek("k", setOf(policy), 1)).policies[0]?.remaining ?? -1;
    },
  };
}

const sets = new WeakMap<RateLimitPolicy, PolicySet>();

function setOf(policy: RateLimitPolicy): PolicySet {
  const known = sets.get(policy) ?? policySet([policy]);
  sets.set(policy, known);
  return known;
}
