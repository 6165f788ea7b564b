import { rateLimit as expressRateLimit } from "express-rate-limit";
import type {
  PolicySet,
  RateLimitAlgorithm,
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitPolicyState,
  RateLimitReceipt,
  RateLimitStore,
} from "express-redis-suite/stores/rate-limit/contract";
import {
  expressRateLimitStore,
  type ExpressRateLimitHits,
  type ExpressRateLimitStore,
  type ExpressRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/express-rate-limit";
import {
  GuardedRateLimitStore,
  type GuardedRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/guarded";
import {
  LeasedRateLimitStore,
  type LeasedRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/leased";
import {
  MemoryRateLimitStore,
  type MemoryRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/memory";
import { assertPolicySet, policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import {
  RedisRateLimitStore,
  type RedisRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/redis";
import type { Cluster, Redis } from "ioredis";
import { exactly } from "./exactly.ts";

declare const client: Redis | Cluster;

const redisOptions: RedisRateLimitStoreOptions = { client, prefix: "p", deadlineMs: 1, denyMemoryKeys: 1 };
const redis = new RedisRateLimitStore(redisOptions);
const guardedOptions: GuardedRateLimitStoreOptions = { store: redis, fallback: new MemoryRateLimitStore() };
const memoryOptions: MemoryRateLimitStoreOptions = { maxKeys: 1, now: () => 1 };
void new MemoryRateLimitStore(memoryOptions);
const leasedOptions: LeasedRateLimitStoreOptions = { store: redis, units: 1, maxKeys: 1 };
export const stores: readonly RateLimitStore[] = [
  redis,
  new GuardedRateLimitStore(guardedOptions),
  new LeasedRateLimitStore(leasedOptions),
];
const policies: PolicySet = policySet([{ name: "p", algorithm: "gcra", limit: 1, windowMs: 1 }]);
export const decided: Promise<RateLimitDecision> = redis.consume("k", policies, 1);
// @ts-expect-error: not made by policySet
void redis.consume("k", [{ name: "p", algorithm: "gcra", limit: 1, windowMs: 1 }], 1);
export function checked(unknown: unknown): PolicySet {
  assertPolicySet(unknown);
  return unknown;
}
// @ts-expect-error: no prefix
void new RedisRateLimitStore({ client });
// @ts-expect-error: no fallback
void new GuardedRateLimitStore({ store: redis });

const adapterOptions: ExpressRateLimitStoreOptions = { store: redis };
const adapter: ExpressRateLimitStore = expressRateLimitStore(adapterOptions);
expressRateLimit({ store: adapter, limit: 1, windowMs: 1 });
export const hits: Promise<ExpressRateLimitHits> = Promise.resolve(adapter.increment("k"));

export function told(decision: RateLimitDecision, policy: RateLimitPolicy): RateLimitReceipt | undefined {
  exactly<boolean>()(decision.allowed);
  exactly<number>()(decision.retryAfterMs);
  exactly<RateLimitAlgorithm>()(policy.algorithm);
  const states: readonly RateLimitPolicyState[] = decision.policies;
  return states[0]?.remaining === 0 ? undefined : decision.receipt;
}
