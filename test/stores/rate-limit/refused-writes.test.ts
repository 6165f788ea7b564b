import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import type { RateLimitDecision } from "express-redis-suite/stores/rate-limit/contract";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { ALGORITHMS, policy, remainders, take } from "../../contracts/rate-limit/under-test.ts";
import { countCommands } from "../../support/command-counts.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const one = policySet([policy("fixed-window", 1)]);

/** How a server comes to refuse every write, and to take them again. */
const FAULTS: Readonly<Record<string, { begin: readonly string[]; end: readonly string[] }>> = {
  OOM: { begin: ["CONFIG", "SET", "maxmemory", "1"], end: ["CONFIG", "SET", "maxmemory", "0"] },
  READONLY: { begin: ["REPLICAOF", "127.0.0.1", "1"], end: ["REPLICAOF", "NO", "ONE"] },
  NOREPLICAS: {
    begin: ["CONFIG", "SET", "min-replicas-to-write", "1"],
    end: ["CONFIG", "SET", "min-replicas-to-write", "0"],
  },
};

describeWithRedisServer("a batch on a server that refuses every write", () => {
  let server: RedisServer;
  let client: RedisClient;
  let store: RedisRateLimitStore;
  before(async () => {
    server = await startRedisServer();
    client = await createRedis(server.url);
  });
  after(async () => {
    client.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    await client.flushall();
    store = new RedisRateLimitStore({ client, prefix: "full", deadlineMs: PATIENT_MS, denyMemoryKeys: 0 });
  });

  const command = ([name = "", ...args]: readonly string[]): Promise<unknown> => client.call(name, ...args);
  const consumeAll = (keys: readonly string[]): Promise<PromiseSettledResult<RateLimitDecision>[]> =>
    Promise.allSettled(keys.map((key) => store.consume(key, one, 1)));

  for (const [code, { begin, end }] of Object.entries(FAULTS)) {
    it(`still refuses who is over the limit, and fails the others alone (${code})`, async () => {
      await take(store, { key: "over", policies: one });
      await command(begin);
      try {
        const settled = await consumeAll(["new", "over", "newer", "over"]);
        expect(
          settled.map((each) => (each.status === "fulfilled" ? each.value.allowed : code)),
        ).to.deep.equal([code, false, code, false]);
        for (const each of settled) {
          if (each.status === "fulfilled") continue;
          expect(each.reason).to.include({ code: "STORE_UNAVAILABLE" });
          expect(String(each.reason)).to.include(code);
        }
      } finally {
        await command(end);
      }
      expect(await remainders(store, one, "new"), "nothing was taken").to.deep.equal([1]);
    });
  }

  it("asks each question once more, and no oftener", async () => {
    const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
    await store.peek("k", one, 1);
    await command(FAULTS["OOM"]?.begin ?? []);
    try {
      const counts = await countCommands(client, () => consumeAll(keys));
      expect(counts.get("evalsha")).to.equal(1 + keys.length);
      const alone = await countCommands(client, () => consumeAll(["k"]));
      expect(alone.get("evalsha")).to.equal(1);
    } finally {
      await command(FAULTS["OOM"]?.end ?? []);
    }
  });

  it("takes all of a question or nothing, whatever its policies write first", async () => {
    const every = policySet(ALGORITHMS.map((algorithm) => policy(algorithm, 9, { name: algorithm })));
    await take(store, { policies: every });
    await command(FAULTS["OOM"]?.begin ?? []);
    const settled = await Promise.allSettled(Array.from({ length: 3 }, () => store.consume("k", every, 2)));
    await command(FAULTS["OOM"]?.end ?? []);
    const taken = settled.filter(({ status }) => status === "fulfilled").length;
    expect(await remainders(store, every)).to.deep.equal(every.list.map(() => 8 - 2 * taken));
  });
});
