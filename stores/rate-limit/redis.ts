import { createGuard, type Guard, type RedisClient } from "../redis/guard.ts";
import { assertPrefix, redisKey } from "../redis/keys.ts";
import { defineScript } from "../redis/script.ts";
import {
  assertCost,
  type RateLimitDecision,
  type RateLimitPolicy,
  type RateLimitPolicyState,
  type RateLimitStore,
} from "./contract.ts";
import { decide } from "./decide.ts";

/**
 * KEYS  1: a hash with a field a policy, `name` → "used:endsAt" (endsAt in server milliseconds)
 * ARGV  1: cost, then for each policy: name, limit, windowMs
 * Returns, for each policy: allowed (0 or 1), used after the decision, milliseconds until its window ends
 *
 * One hash a key keeps the policies of a client together: one key to expire, one slot in a Cluster.
 */
const consume = defineScript<(string | number)[], number[]>(
  "rate-limit.consume",
  1,
  `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cost = tonumber(ARGV[1])
local reply, write = {}, {}
local allowed, longest = true, 0

for at = 2, #ARGV, 3 do
  local limit, window = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local stored = redis.call('HGET', KEYS[1], ARGV[at])
  local used, ends = 0, now
  if stored then
    local colon = string.find(stored, ':', 1, true)
    used, ends = tonumber(string.sub(stored, 1, colon - 1)), tonumber(string.sub(stored, colon + 1))
    if ends <= now or ends > now + window then used, ends = 0, now end
  end
  local fits = used + cost <= limit
  allowed = allowed and fits
  if ends == now then ends = now + window end
  longest = math.max(longest, ends - now)
  write[#write + 1] = ARGV[at]
  write[#write + 1] = string.format('%.0f:%.0f', used + cost, ends)
  reply[#reply + 1] = fits and 1 or 0
  reply[#reply + 1] = used
  reply[#reply + 1] = used == 0 and 0 or ends - now
end

if allowed then
  redis.call('HSET', KEYS[1], unpack(write))
  if redis.call('PTTL', KEYS[1]) < longest then redis.call('PEXPIRE', KEYS[1], longest) end
  for at = 1, #reply, 3 do
    reply[at + 1] = reply[at + 1] + cost
    if reply[at + 2] == 0 then reply[at + 2] = tonumber(ARGV[at + 3]) end
  end
elseif redis.call('PTTL', KEYS[1]) == -1 then
  redis.call('PEXPIRE', KEYS[1], longest)
end
return reply
`,
);

export interface RedisRateLimitStoreOptions {
  readonly client: RedisClient;
  /** Put before every key; two limiters that count apart need two prefixes. */
  readonly prefix: string;
  /** How long one decision may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

/** Counts in Redis, for any number of processes: one script, one round trip, the server's clock. */
export class RedisRateLimitStore implements RateLimitStore {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #guard: Guard;

  constructor({ client, prefix, deadlineMs }: RedisRateLimitStoreOptions) {
    assertPrefix(prefix);
    this.#client = client;
    this.#prefix = prefix;
    this.#guard = createGuard(client, deadlineMs);
  }

  async consume(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    assertCost(cost);
    const args = policies.flatMap(({ name, limit, windowMs }) => [name, limit, windowMs]);
    const reply = await this.#guard(() => consume.run(this.#client, [this.#key(key)], [cost, ...args]));
    const states = policies.map(({ name, limit }, at): RateLimitPolicyState => {
      const [allowed, used = 0, resetAfterMs = 0] = reply.slice(at * 3, at * 3 + 3);
      return { name, allowed: allowed === 1, remaining: Math.max(0, limit - used), resetAfterMs };
    });
    return decide(policies, states, cost);
  }

  async reset(key: string, policies: readonly RateLimitPolicy[]): Promise<void> {
    const names = policies.map(({ name }) => name);
    await this.#guard(() => this.#client.hdel(this.#key(key), ...names));
  }

  #key(key: string): string {
    return redisKey(this.#prefix, key);
  }
}
