import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { sharedCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { engine, redis, redisUrl } from "../../support/shared-redis.ts";

const POLICIES = policySet([{ name: "p", algorithm: "fixed-window", limit: 1_000_000, windowMs: 600_000 }]);
const ROUNDS = 9;
const MOST_ROUNDS = 60;
const CALLS_PER_ROUND = 1000;
/** The connections of this user are the ones that are cut. */
const USER = "cut-off";

interface Outcome {
  readonly fulfilled: number;
  readonly rejected: number;
}

/** Cuts the connection again and again while calls are in flight, and counts how they ended. */
async function callWhileCutting(
  call: () => Promise<unknown>,
  nodes: readonly RedisClient[],
): Promise<Outcome> {
  let fulfilled = 0;
  let rejected = 0;
  // A busy machine may let every call be answered before the cut; then it takes more rounds to meet one that is not.
  for (let round = 0; round < ROUNDS || (rejected === 0 && round < MOST_ROUNDS); round++) {
    const settled = Promise.allSettled(Array.from({ length: CALLS_PER_ROUND }, call));
    // Read by the server in the same turn as the calls, or one or two turns later: replies are lost at every stage.
    for (let waited = 0; waited < round % 3; waited++) await turn();
    await Promise.all(nodes.map((node) => node.client("KILL", "USER", USER)));
    for (const { status } of await settled) {
      if (status === "fulfilled") fulfilled++;
      else rejected++;
    }
    await eventually(call);
    fulfilled++;
  }
  return { fulfilled, rejected };
}

function expectAtMostOnce(total: number, { fulfilled, rejected }: Outcome): void {
  // Every answered call has run once; of the others each may have run, once at most.
  expect(total).to.be.within(fulfilled, fulfilled + rejected);
  expect(rejected, "calls that were cut").to.be.above(0);
}

describe("a command whose connection is cut", () => {
  const opened: RedisClient[] = [];
  afterEach(() => opened.splice(0).forEach((client) => client.disconnect()));

  /** A client whose user every node knows; a fresh one, as its name may be left over. */
  async function connect(url: string, nodes: readonly RedisClient[]): Promise<RedisClient> {
    await Promise.all(
      nodes.map((node) => node.call("ACL", "SETUSER", USER, "on", ">pw", "~*", "&*", "+@all")),
    );
    const client = await createRedis(url.replace("://", `://${USER}:pw@`), { maxReconnectDelayMs: 10 });
    opened.push(client);
    return client;
  }

  it("is never sent a second time", async () => {
    const client = await connect(redisUrl(), [redis()]);
    const outcome = await callWhileCutting(() => client.incr("total"), [redis()]);
    expectAtMostOnce(Number(await redis().get("total")), outcome);
  });

  it("takes no unit of a rate limit twice", async () => {
    const client = await connect(redisUrl(), [redis()]);
    const store = new RedisRateLimitStore({ client, prefix: "rate", deadlineMs: 2000 });
    const outcome = await callWhileCutting(() => store.consume("k", POLICIES, 1), [redis()]);
    const own = new RedisRateLimitStore({ client: redis(), prefix: "rate", deadlineMs: 2000 });
    const { policies } = await own.peek("k", POLICIES, 1);
    expectAtMostOnce(1_000_000 - (policies[0]?.remaining ?? Number.NaN), outcome);
  });

  if (engine === "wasm") return;
  describeWithRedisServer("in a Cluster", () => {
    it("is never sent a second time, to no node", async function () {
      this.timeout(60_000);
      const { url, flush } = await sharedCluster();
      await flush();
      const observer = await createRedis(url);
      opened.push(observer);
      const nodes = "nodes" in observer ? observer.nodes("master") : [];
      const client = await connect(url, nodes);
      const outcome = await callWhileCutting(() => client.incr("total"), nodes);
      expectAtMostOnce(Number(await observer.get("total")), outcome);
    });
  });
});
