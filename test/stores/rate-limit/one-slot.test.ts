import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { startCluster, type RedisCluster } from "../../support/cluster.ts";
import { countCommands } from "../../support/command-counts.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const KEYS = ["a", "b", "a", "c", "a"];

describeWithRedisServer("a plain client of a clustered server", () => {
  const policies = policySet([policy("fixed-window", 2)]);
  let cluster: RedisCluster;
  let client: RedisClient;
  let store: RateLimitStore;
  before(async function () {
    this.timeout(60_000);
    cluster = await startCluster(1);
    client = await createRedis(cluster.masters[0]?.url ?? "", { commandTimeoutMs: PATIENT_MS });
  });
  after(async () => {
    await close(client);
    await cluster.stop();
  });
  beforeEach(async () => {
    await client.flushall();
    store = new RedisRateLimitStore({
      client,
      prefix: "slots",
      deadlineMs: PATIENT_MS,
      denyMemoryKeys: 0,
    });
  });
  const allowed = async (): Promise<boolean[]> => {
    const decisions = await Promise.all(KEYS.map((key) => store.consume(key, policies, 1)));
    return decisions.map((decision) => decision.allowed);
  };

  it("decides about keys of several slots, each as if it had been alone", async () => {
    expect(await allowed()).to.deep.equal([true, true, true, true, false]);
    expect(await allowed()).to.deep.equal([false, true, false, true, false]);
  });

  it("learns once that keys are to be asked apart", async () => {
    await allowed();
    const commands = await countCommands(client, allowed);
    // One for each key, and none that was refused.
    expect(commands.get("evalsha")).to.equal(3);
    expect(String(await client.call("INFO", "errorstats"))).to.match(/errorstat_CROSSSLOT:count=\d+/);
  });
});
