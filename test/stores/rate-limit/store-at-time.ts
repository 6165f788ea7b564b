import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import type { RedisClient } from "express-redis-suite/redis";
import type { RateLimitPolicy, RateLimitReceipt } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import type { Command } from "ioredis";

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
  refund(at: number, policy: RateLimitPolicy, receipt: RateLimitReceipt): Promise<void>;
  remaining(at: number, policy: RateLimitPolicy): Promise<number>;
}

const TIME_CALL = "redis.call('TIME')";

/**
 * The Redis store with the script's one question for the time replaced on its way to the server; everything else that
 * runs is the script as it is. Expiry is left out too, since the server's own clock would run it.
 */
export function redisAtTime(client: RedisClient): StoreAtTime {
  let now = 0;
  let reply = Buffer.alloc(0);
  const stubbed = new Proxy(client, {
    get(target, property) {
      if (property !== "sendCommand") return Reflect.get(target, property, target) as unknown;
      return async (command: Command) => {
        if (command.name === "evalsha") throw new Error("NOSCRIPT asked for the text");
        const lua = String(command.args[0]);
        if (!lua.includes(TIME_CALL)) throw new Error("the script does not ask for the time");
        command.args[0] = lua
          .replaceAll(TIME_CALL, `{ '${Math.floor(now / 1_000_000)}', '${now % 1_000_000}' }`)
          .replaceAll(/, 'PX', [^\n]+/g, ")")
          .replaceAll(/redis\.call\('PEXPIRE'[^\n]+/g, "");
        const replies = (await target.sendCommand(command)) as [Buffer<ArrayBuffer>] | number;
        if (typeof replies === "object") [reply] = replies;
        return replies;
      };
    },
  });
  const store = new RedisRateLimitStore({
    client: stubbed,
    prefix: "timed",
    deadlineMs: 5000,
    denyMemoryKeys: 0,
  });
  return {
    async consume(at, policy, cost) {
      now = at;
      const { allowed, policies, receipt } = await store.consume("k", policySet([policy]), cost);
      const retry = reply.readDoubleLE(6 * 8);
      const retryUs = retry === -1 ? Infinity : retry;
      return { allowed, remaining: policies[0]?.remaining ?? -1, retryUs, receipt };
    },
    async refund(at, policy, receipt) {
      now = at;
      await store.refund("k", policySet([policy]), receipt);
    },
    async remaining(at, policy) {
      now = at;
      return (await store.peek("k", policySet([policy]), 1)).policies[0]?.remaining ?? -1;
    },
  };
}

/** The store in memory; its waits are rounded up to milliseconds. */
export function memoryAtTime(): StoreAtTime {
  let now = 0;
  const store = new MemoryRateLimitStore({ now: () => now / 1000 });
  return {
    async consume(at, policy, cost) {
      now = at;
      const { allowed, policies, receipt } = await store.consume("k", policySet([policy]), cost);
      const [state] = policies;
      const retryUs = (state?.retryAfterMs ?? 0) * 1000;
      return { allowed, remaining: state?.remaining ?? -1, retryUs, receipt };
    },
    async refund(at, policy, receipt) {
      now = at;
      await store.refund("k", policySet([policy]), receipt);
    },
    async remaining(at, policy) {
      now = at;
      return (await store.peek("k", policySet([policy]), 1)).policies[0]?.remaining ?? -1;
    },
  };
}
