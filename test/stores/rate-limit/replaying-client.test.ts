import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { Cluster, Redis } from "ioredis";
import { sharedCluster } from "../../support/cluster.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS, redisUrl } from "../../support/shared-redis.ts";

/** The codes that making these stores warns with. */
async function codesOf(make: () => unknown): Promise<unknown[]> {
  const codes: unknown[] = [];
  const listener = (warning: Error & { code?: string }): void => void codes.push(warning.code);
  process.on("warning", listener);
  try {
    make();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  } finally {
    process.off("warning", listener);
  }
  return codes;
}

describe("a store given a client that repeats commands", () => {
  const opened: RedisClient[] = [];
  afterEach(() => {
    for (const client of opened.splice(0)) client.disconnect();
  });

  function storesOn(client: RedisClient): () => unknown {
    opened.push(client);
    return () =>
      ["a", "b"].map((prefix) => new RedisRateLimitStore({ client, prefix, deadlineMs: PATIENT_MS }));
  }

  const lazyConnect = true;
  const replaying: Record<string, () => RedisClient> = {
    "a default ioredis client": () => new Redis({ lazyConnect }),
    "one that queues while it is offline": () => new Redis({ lazyConnect, maxRetriesPerRequest: 0 }),
    "one that sends again what was not answered": () => new Redis({ lazyConnect, enableOfflineQueue: false }),
    "a default Cluster": () => new Cluster([{ port: 1 }], { lazyConnect }),
    "a Cluster that asks again after a failover": () =>
      new Cluster([{ port: 1 }], { lazyConnect, enableOfflineQueue: false }),
  };
  for (const [name, make] of Object.entries(replaying)) {
    it(`warns once a client: ${name}`, async () => {
      expect(await codesOf(storesOn(make()))).to.deep.equal(["ERS_REPLAYING_CLIENT"]);
    });
  }

  const failingFast: Record<string, () => RedisClient> = {
    "nothing is queued or retried": () =>
      new Redis({ lazyConnect, enableOfflineQueue: false, maxRetriesPerRequest: 0 }),
    "nothing is queued or sent again": () =>
      new Redis({ lazyConnect, enableOfflineQueue: false, autoResendUnfulfilledCommands: false }),
    "a Cluster queues nothing and asks nobody again": () =>
      new Cluster([{ port: 1 }], { lazyConnect, enableOfflineQueue: false, retryDelayOnFailover: 0 }),
  };
  for (const [name, make] of Object.entries(failingFast)) {
    it(`says nothing where ${name}`, async () => {
      expect(await codesOf(storesOn(make()))).to.deep.equal([]);
    });
  }

  it("says nothing of a client of createRedis", async () => {
    const client = await createRedis(redisUrl());
    expect(await codesOf(storesOn(client))).to.deep.equal([]);
    await close(client);
  });

  describeWithRedisServer("in a Cluster", () => {
    it("says nothing of a client of createRedis", async function () {
      this.timeout(60_000);
      const client = await createRedis((await sharedCluster()).url);
      expect(await codesOf(storesOn(client))).to.deep.equal([]);
      await close(client);
    });
  });
});
