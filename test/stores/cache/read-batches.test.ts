import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import { Redis, type Cluster } from "ioredis";
import slotOf from "cluster-key-slot";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { LONG_MS, text, texts } from "../../contracts/cache/cache-store-under-test.ts";
import { sharedCluster, startCluster, type RedisCluster } from "../../support/cluster.ts";
import { countCommands } from "../../support/command-counts.ts";
import { countWrites } from "../../support/count-writes.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";

const storeOn = (client: RedisClient): RedisCacheStore =>
  new RedisCacheStore({ client, prefix: "batched", deadlineMs: PATIENT_MS });

const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`);

describe("reads of one turn", () => {
  const commands = async (action: () => Promise<unknown>): Promise<object> =>
    Object.fromEntries(await countCommands(redis(), action));

  it("are one MGET for each sixty-four keys, and a GET for a lone one", async () => {
    const store = storeOn(redis());
    const get = (count: number) => (): Promise<unknown> =>
      Promise.all(many(count).map((key) => store.get(key)));
    expect(await commands(get(1))).to.deep.equal({ get: 1 });
    expect(await commands(get(2))).to.deep.equal({ mget: 1 });
    expect(await commands(get(64))).to.deep.equal({ mget: 1 });
    expect(await commands(get(65))).to.deep.equal({ mget: 1, get: 1 });
    expect(await commands(get(200))).to.deep.equal({ mget: 4 });
  });

  it("share a command with reads of several keys and of tags", async () => {
    const store = storeOn(redis());
    await store.set("a", text("1"), LONG_MS);
    const [stamp] = await store.stamp(["t"]);
    const asked = async (): Promise<unknown> => {
      const [value, first, second] = await Promise.all([
        store.get("a"),
        store.read(["b", "a"], ["t"]),
        store.read(["a"], ["t", "u"]),
      ]);
      expect(String(value)).to.equal("1");
      expect([texts(first.values), first.stamps]).to.deep.equal([[undefined, "1"], [stamp]]);
      expect([texts(second.values), second.stamps]).to.deep.equal([["1"], [stamp, undefined]]);
      return undefined;
    };
    expect(await commands(asked)).to.deep.equal({ mget: 1 });
  });

  it("ask for one key once, however many want it", async () => {
    const store = storeOn(redis());
    await store.set("hot", text("v"), LONG_MS);
    const asked = async (): Promise<void> => {
      const values = await Promise.all(Array.from({ length: 100 }, () => store.get("hot")));
      expect(new Set(values.map(String))).to.deep.equal(new Set(["v"]));
    };
    expect(await commands(asked)).to.deep.equal({ get: 1 });
  });

  it("are one each in turns that follow one another", async () => {
    const store = storeOn(redis());
    const asked = async (): Promise<void> => {
      await store.get("a");
      await store.get("a");
    };
    expect(await commands(asked)).to.deep.equal({ get: 2 });
  });

  it("are read in the asynchronous context of whoever asked", async () => {
    const store = storeOn(redis());
    const asker = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ["a", "b"].map((key) => asker.run(key, () => store.get(key).then(() => asker.getStore()))),
    );
    expect(seen).to.deep.equal(["a", "b"]);
  });

  it("are all answered where Redis may not be asked for one of their keys", async () => {
    await redis().call("ACL", "SETUSER", "narrow", "on", ">pw", "~batched:{a}", "~batched:{b}", "+@all");
    const { port } = new URL(redisUrl());
    const client = new Redis({ port: Number(port), username: "narrow", password: "pw" });
    try {
      const store = storeOn(client);
      await redis().set("batched:{b}", "v");
      const settled = await Promise.allSettled(["a", "b", "c"].map((key) => store.get(key)));
      expect(settled.map(({ status }) => status)).to.deep.equal(["fulfilled", "fulfilled", "rejected"]);
      expect(settled[1])
        .to.have.property("value")
        .that.satisfies((value: Buffer) => String(value) === "v");
      expect(settled[2])
        .to.have.property("reason")
        .that.has.property("message")
        .that.matches(/^NOPERM /);
    } finally {
      client.disconnect();
      await redis().call("ACL", "DELUSER", "narrow");
    }
  });

  for (const options of [{ enableAutoPipelining: true }, { keyPrefix: "own:" }]) {
    it(`work on a client with ${Object.keys(options).join()}`, async () => {
      const client = new Redis(redisUrl(), options);
      try {
        await expectAllOperations(storeOn(client));
      } finally {
        client.disconnect();
      }
    });
  }
});

describeWithRedisServer("reads of one turn on a Cluster", () => {
  let client: RedisClient;
  before(async function () {
    this.timeout(60_000);
    client = await createRedis((await sharedCluster()).url, { commandTimeoutMs: PATIENT_MS });
  });
  after(() => close(client));
  beforeEach(async () => (await sharedCluster()).flush());

  it("leave in one write to each node, one command for each slot", async () => {
    const store = storeOn(client);
    const keys = many(60);
    await Promise.all(keys.map((key) => store.set(key, text(key), LONG_MS)));
    const nodes = (client as Cluster).nodes("master");
    await Promise.all(nodes.map((node) => node.config("RESETSTAT")));
    const writes = nodes.map(countWrites);
    const values = await Promise.all([...keys, ...keys].map((key) => store.get(key)));
    expect(texts(values)).to.deep.equal([...keys, ...keys]);
    expect(writes.map((written) => written())).to.deep.equal([1, 1, 1]);
    const slots = new Set(keys.map((key) => slotOf(`batched:{${key}}`)));
    expect(await readCommands(nodes)).to.equal(slots.size);
  });

  it("share an MGET with those of their slot", async () => {
    const store = storeOn(client);
    await store.stamp(["k"]);
    await store.set("k", text("v"), LONG_MS);
    const nodes = (client as Cluster).nodes("master");
    await Promise.all(nodes.map((node) => node.config("RESETSTAT")));
    const [reading, value] = await Promise.all([store.read(["k"], ["k"]), store.get("k")]);
    expect([...texts(reading.values), String(value), reading.stamps.length]).to.deep.equal(["v", "v", 1]);
    expect(await readCommands(nodes)).to.equal(1);
  });

  it("work with a prefix of the client's own", async () => {
    const { url } = await sharedCluster();
    const own = await createRedis(url, { commandTimeoutMs: PATIENT_MS });
    try {
      (own as Cluster).options.keyPrefix = "{own}:";
      await expectAllOperations(storeOn(own));
    } finally {
      await close(own);
    }
  });
});

describeWithRedisServer("reads of one turn by a plain client of a clustered server", () => {
  let cluster: RedisCluster;
  let client: RedisClient;
  before(async function () {
    this.timeout(60_000);
    cluster = await startCluster(1);
    client = await createRedis(cluster.masters[0]?.url ?? "", { commandTimeoutMs: PATIENT_MS });
  });
  after(async () => {
    await close(client);
    await cluster.stop();
  });

  it("are asked apart, as it learns once", async () => {
    const store = storeOn(client);
    await expectAllOperations(store);
    const again = await countCommands(client, () => Promise.all(many(3).map((key) => store.get(key))));
    expect(Object.fromEntries(again)).to.deep.equal({ get: 3 });
  });

  it("learns it from tags, too", async () => {
    const store = storeOn(client);
    const tags = ["a", "b", "c"];
    const stamps = await store.stamp(tags);
    expect((await store.read([], tags)).stamps).to.deep.equal(stamps);
    await storeOn(client).purgeTags(tags, { soft: true });
    expect(new Set((await store.read([], tags)).stamps)).to.not.include.any.keys(...stamps);
    await storeOn(client).purgeTags(tags);
    expect((await store.read([], tags)).stamps).to.deep.equal([undefined, undefined, undefined]);
  });
});

async function expectAllOperations(store: RedisCacheStore): Promise<void> {
  const keys = many(20);
  await Promise.all(keys.map((key) => store.set(key, text(key), LONG_MS)));
  expect(texts(await Promise.all(keys.map((key) => store.get(key))))).to.deep.equal(keys);
  expect(texts((await store.read(keys)).values)).to.deep.equal(keys);
  const { token = "", value } = await store.lead("k0", LONG_MS);
  expect(String(value)).to.equal("k0");
  expect(await store.fill("k0", { token, value: text("filled"), ttlMs: LONG_MS })).to.equal(true);
  expect(String(await store.get("k0"))).to.equal("filled");
  expect(await store.expire("k0", LONG_MS)).to.equal(true);
  const stamps = await store.stamp(keys);
  expect((await store.read([], keys)).stamps).to.deep.equal(stamps);
  await store.purgeTags(keys);
  expect((await store.read([], keys)).stamps.filter(Boolean)).to.deep.equal([]);
  expect(await store.delete("k0")).to.equal(true);
}

/** How often the nodes were asked to read, whatever the command. */
async function readCommands(nodes: readonly Redis[]): Promise<number> {
  const infos = await Promise.all(nodes.map((node) => node.info("commandstats")));
  return infos
    .flatMap((info) => [...info.matchAll(/cmdstat_m?get:calls=(\d+)/g)])
    .reduce((sum, [, calls]) => sum + Number(calls), 0);
}
