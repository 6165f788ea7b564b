import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { createRedis } from "express-redis-suite/redis";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import { scriptUse, watchRedis } from "../harness/redis-stats.ts";
import type { Bench } from "../harness/rounds.ts";
import { summarize, type Summary } from "../harness/statistics.ts";
import { markdownTable } from "../harness/table.ts";
import { rateLimitRedis } from "./apps.ts";
import { HOUR_MS, onePolicy, PLENTY, threePolicies } from "./policies.ts";

/** How long Redis, which does one thing at a time, is busy with one decision. */
export interface ScriptTime {
  readonly name: string;
  /** Each asked for when the one before was answered. */
  readonly alone: Summary;
  /** All asked for at once. */
  readonly together: Summary;
}

interface Contender {
  readonly name: string;
  readonly decide: () => Promise<unknown>;
}

const DECISIONS = 192;

/** Decisions on one key; the contenders take turns. */
export async function measureScriptTimes({ redis, redisUrl, plan }: Bench): Promise<readonly ScriptTime[]> {
  const client = await createRedis(redisUrl);
  const peerClient = new Redis(redisUrl);
  const all = [
    ...ours(new RedisRateLimitStore({ client, prefix: "script-time" })),
    ...(await peers(peerClient)),
  ];
  const turns = plan.quick ? 5 : 30;
  const usOf = async (decide: () => Promise<unknown>): Promise<number> => {
    const redisUse = await watchRedis(redis);
    await decide();
    return scriptUse(await redisUse()).us / DECISIONS;
  };
  const times = all.map((): { alone: number[]; together: number[] } => ({ alone: [], together: [] }));
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const [at, { decide }] of all.entries()) {
      const alone = await usOf(async () => {
        for (let decision = 0; decision < DECISIONS; decision += 1) await decide();
      });
      const together = await usOf(() => Promise.all(Array.from({ length: DECISIONS }, decide)));
      // The first turn loads the script and begins the state.
      if (turn === 0) continue;
      times[at]?.alone.push(alone);
      times[at]?.together.push(together);
    }
  }
  client.disconnect();
  peerClient.disconnect();
  return all.map(({ name }, at) => ({
    name,
    alone: summarize(times[at]?.alone ?? []),
    together: summarize(times[at]?.together ?? []),
  }));
}

export const THREE_POLICIES = "ours, three policies (token bucket, sliding window, fixed window)";

function ours(store: RedisRateLimitStore): readonly Contender[] {
  const windows = ["a", "b", "c"].map((name) => policy("fixed-window", { name }));
  const sets: readonly [name: string, policies: readonly RateLimitPolicy[]][] = [
    ["ours, fixed window", onePolicy],
    ["ours, sliding window", [policy("sliding-window")]],
    ["ours, token bucket", [policy("token-bucket")]],
    ["ours, GCRA", [policy("gcra")]],
    ["ours, sliding log", [policy("sliding-log", { limit: 100_000 })]],
    ["ours, concurrency", [policy("concurrency", { limit: 100_000 })]],
    ["ours, three fixed windows", windows],
    [THREE_POLICIES, threePolicies],
  ];
  return sets.map(([name, list]) => {
    const policies = policySet(list);
    return { name, decide: () => store.consume("hot", policies, 1) };
  });
}

function policy(
  algorithm: RateLimitPolicy["algorithm"],
  given: Partial<RateLimitPolicy> = {},
): RateLimitPolicy {
  return { name: algorithm, algorithm, limit: PLENTY, windowMs: HOUR_MS, ...given };
}

async function peers(client: Redis): Promise<readonly Contender[]> {
  const store = rateLimitRedis(client, "script-time:");
  await store.init({ windowMs: HOUR_MS } as Parameters<typeof store.init>[0]);
  const flexible = new RateLimiterRedis({ storeClient: client, points: PLENTY, duration: HOUR_MS / 1000 });
  return [
    { name: "rate-limit-redis, fixed window", decide: () => store.increment("hot") },
    { name: "rate-limiter-flexible, fixed window", decide: () => flexible.consume("hot") },
  ];
}

export function scriptTimesTable(times: readonly ScriptTime[]): string {
  return markdownTable<ScriptTime>(
    [
      { title: "one decision", cell: ({ name }) => name },
      { title: "server µs, alone", cell: ({ alone }) => alone.median.toFixed(1) },
      { title: "min", cell: ({ alone }) => alone.min.toFixed(1) },
      { title: "many at once", cell: ({ together }) => together.median.toFixed(1) },
      { title: "min", cell: ({ together }) => together.min.toFixed(1) },
    ],
    times,
  );
}
