import type { Express } from "express";
import type { CaseRedis, HttpCase } from "../harness/http-case.ts";
import { appBehind, expressRateLimits, flexible, floor, ours, oursLeased, type Batching } from "./apps.ts";
import { onePolicy, PLENTY, threePolicies, usedUp } from "./policies.ts";

export const BARE = "bare Express";
export const BARE_AGAIN = "bare Express (control)";
const bare = async (): Promise<Express> => appBehind();

export const cases: readonly HttpCase[] = [
  { name: BARE, status: 200, app: bare },
  ...inBoth("one policy: floor", floor),
  ...inBoth("one policy: ours", (redis, batching) => ours(redis, onePolicy, batching)),
  ...inBoth("one policy: express-rate-limit", async (redis, batching) =>
    expressRateLimits(redis, [PLENTY], batching),
  ),
  ...inBoth("one policy: rate-limiter-flexible", async (redis, batching) =>
    flexible(redis, PLENTY, { batching }),
  ),
  { name: "one policy: ours, leased", status: 200, app: oursLeased },
  { name: BARE_AGAIN, status: 200, app: bare },
  ...inBoth("three policies: ours", (redis, batching) => ours(redis, threePolicies, batching)),
  ...inBoth("three policies: express-rate-limit × 3", async (redis, batching) =>
    expressRateLimits(redis, [PLENTY, PLENTY, PLENTY], batching),
  ),
  { name: "denied: ours", status: 429, app: (redis) => ours(redis, usedUp, "plain") },
  {
    name: "denied: express-rate-limit",
    status: 429,
    app: async (redis) => expressRateLimits(redis, [1], "plain"),
  },
  {
    name: "denied: rate-limiter-flexible, blocked in memory",
    status: 429,
    app: async (redis) => flexible(redis, 1, { blockInMemory: 1 }),
  },
];

function inBoth(
  name: string,
  app: (redis: CaseRedis, batching: Batching) => Promise<Express>,
): readonly HttpCase[] {
  return [
    { name, status: 200, app: (redis) => app(redis, "plain") },
    { name: `${name}, autopipelining`, status: 200, app: (redis) => app(redis, "auto") },
  ];
}
