import { expect } from "chai";
import { Cluster, Redis } from "ioredis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { countCommands } from "../../support/command-counts.ts";
import { createGate } from "../../support/gate.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { read, untilCopied, useTieredStores } from "./tiered-stores.ts";

const LONG_MS = 60_000;
const text = (value: string): Buffer => Buffer.from(value);

describeWithRedisServer("TieredCacheStore", () => {
  const stores = useTieredStores();
  let server: RedisServer;
  let foreign: Redis;
  before(async () => {
    server = await startRedisServer();
  });
  after(() => server.stop());
  beforeEach(async () => {
    foreign = stores.plain(server.port);
    await foreign.flushall();
  });

  it("asks Redis for a value and its time once, and for nothing while it has the copy", async () => {
    await foreign.psetex("app:{k}", LONG_MS, "v");
    const store = await stores.coherent(server.url);
    const asked = await commandsOf(foreign, async () => {
      for (let at = 0; at < 20; at += 1) expect(await read(store, "k")).to.equal("v");
    });
    expect(asked).to.deep.equal({ get: 1, pttl: 1 });
    expect(store.stats()).to.deep.include({ mode: "tracking", coherent: true, entries: 1, misses: 0 });
    expect(store.stats().hits).to.deep.equal({ l1: 19, l2: 1 });
  });

  it("writes by one command, as Redis itself tells the others", async () => {
    const store = await stores.coherent(server.url);
    await store.set("k", text("v"), LONG_MS);
    await store.delete("k");
    const asked = await commandsOf(foreign, async () => {
      await store.set("k", text("v"), LONG_MS);
      await store.delete("k");
      await store.purgeTags(["t"]);
    });
    expect(asked).to.deep.equal({ evalsha: 2, unlink: 1 });
  });

  it("keeps nothing of a key that is missing", async () => {
    const store = await stores.coherent(server.url);
    expect(await read(store, "k")).to.equal(undefined);
    await foreign.set("app:{k}", "v");
    expect(await read(store, "k")).to.equal("v");
    expect(store.stats()).to.deep.include({ misses: 1, hits: { l1: 0, l2: 1 } });
  });

  const changes: Record<string, [change: () => Promise<unknown>, then: string | undefined]> = {
    "a SET": [() => foreign.set("app:{k}", "new"), "new"],
    "an APPEND": [() => foreign.append("app:{k}", "er"), "older"],
    "a DEL": [() => foreign.del("app:{k}"), undefined],
    "a RENAME": [() => foreign.rename("app:{k}", "elsewhere"), undefined],
    "an expiry": [() => foreign.pexpire("app:{k}", 1), undefined],
    "a script": [() => foreign.eval("redis.call('SET', KEYS[1], 'new')", 1, "app:{k}"), "new"],
    "a write in another database": [
      async () => foreign.multi().select(1).set("app:{k}", "x").select(0).exec(),
      "old",
    ],
    FLUSHALL: [() => foreign.flushall(), undefined],
    FLUSHDB: [() => foreign.flushdb(), undefined],
  };
  for (const [name, [change, expected]] of Object.entries(changes)) {
    it(`sees ${name} of somebody else's`, async () => {
      const store = await stores.coherent(server.url);
      await store.set("k", text("old"), LONG_MS);
      await untilCopied(store, "k");
      await change();
      await eventually(() => expect(store.stats().entries).to.equal(0));
      await eventually(async () => expect(await read(store, "k")).to.equal(expected));
    });
  }

  it("keeps its copies when keys of others change", async () => {
    await foreign.psetex("app:{k}", LONG_MS, "v");
    const store = await stores.coherent(server.url);
    await store.get("k");
    for (const key of ["app:{other}", "app2:{k}", "k", "app"]) await foreign.set(key, "x");
    // Heard after the others.
    await foreign.set("app:{last}", "x");
    await store.set("last", text("x"), LONG_MS);
    expect(store.stats().entries).to.equal(1);
  });

  it("reads what it has just written or deleted, each time", async () => {
    const store = await stores.coherent(server.url);
    const seen: (string | undefined)[] = [];
    for (let at = 0; at < 100; at += 1) {
      const before = store.get("k");
      await store.set("k", text(String(at)), LONG_MS);
      await before;
      seen.push(await read(store, "k"), await read(store, "k"));
      await store.delete("k");
      seen.push(await read(store, "k"));
    }
    const expected = Array.from({ length: 100 }, (_, at) => [String(at), String(at), undefined]);
    expect(seen).to.deep.equal(expected.flat());
  });

  it("returns, and does not keep, what has changed while it was read", async () => {
    const client = new Redis({ host: "127.0.0.1", port: server.port });
    const gate = createGate();
    const ask = client.getBuffer.bind(client);
    client.getBuffer = async (key) => {
      const value = await ask(key);
      if (key === "app:{k}") await gate.pass();
      return value;
    };
    await foreign.mset("app:{k}", "old", "app:{other}", "x");
    const store = await stores.coherent(server.url, { client });
    await store.get("other");
    const reading = read(store, "k");
    await gate.reached;
    await foreign.set("app:{k}", "new");
    await foreign.del("app:{other}");
    // Heard after the other news.
    await eventually(() => expect(store.stats().entries).to.equal(0));
    gate.open();
    expect(await reading).to.equal("old");
    expect(store.stats().entries).to.equal(0);
    expect(await read(store, "k")).to.equal("new");
  });

  it("uses a copy no longer than the value lives in Redis, nor than maxAgeMs", async () => {
    let now = 1_000_000;
    await foreign.psetex("app:{short}", 10_000, "v");
    await foreign.psetex("app:{long}", LONG_MS, "v");
    await foreign.set("app:{endless}", "v");
    const store = await stores.coherent(server.url, { maxAgeMs: 30_000, now: () => now });
    for (const key of ["short", "long", "endless"]) await store.get(key);
    const copies = async (): Promise<number> => {
      const before = store.stats().hits.l1;
      for (const key of ["short", "long", "endless"]) await store.get(key);
      return store.stats().hits.l1 - before;
    };
    expect(await copies()).to.equal(3);
    now += 10_000;
    expect(await copies()).to.equal(2);
    now += 20_000;
    expect(await copies()).to.equal(0);
  });

  it("keeps stamps of tags as it keeps values, and hears when they are purged", async () => {
    const other = await stores.coherent(server.url);
    await other.set("k", text("v"), LONG_MS);
    const made = await other.stamp(["a", "b"]);
    const store = await stores.coherent(server.url);
    await store.read(["k"], ["a", "b"]);
    const asked = await commandsOf(foreign, async () => {
      const reading = await store.read(["k"], ["b", "a"]);
      expect(reading).to.deep.equal({ values: [text("v")], stamps: made.toReversed() });
    });
    expect(asked).to.deep.equal({});
    // No news: a stamp that is only asked for again stays as it is.
    await other.stamp(["a", "b"]);
    await other.set("other", text("v"), LONG_MS);
    expect(store.stats().entries).to.equal(3);
    await other.purgeTags(["a"]);
    await eventually(async () => {
      const { values, stamps } = await store.read(["k"], ["a", "b", "never"]);
      expect([values, stamps]).to.deep.equal([[text("v")], [undefined, made[1], undefined]]);
    });
  });

  it("returns values and stamps in the order in which they were asked, wherever they were found", async () => {
    const store = await stores.coherent(server.url);
    for (const key of ["a", "b", "c"]) await store.set(key, text(key), LONG_MS);
    const [stamp] = await store.stamp(["t"]);
    await untilCopied(store, "b");
    const { values, stamps } = await store.read(["a", "b", "none", "c", "b"], ["none", "t"]);
    expect(values.map((value) => value?.toString())).to.deep.equal(["a", "b", undefined, "c", "b"]);
    expect(stamps).to.deep.equal([undefined, stamp]);
  });

  it("keeps to its bytes", async () => {
    const keys = Array.from({ length: 30 }, (_, at) => `k${at}`);
    for (const key of keys) await foreign.set(`app:{${key}}`, Buffer.alloc(1000));
    const store = await stores.coherent(server.url, { maxBytes: 10_000 });
    for (const key of keys) await store.get(key);
    expect(store.stats().bytes).to.be.within(5_000, 10_000);
    expect(store.stats().entries).to.be.within(4, 9);
  });

  it("works for a client with a keyPrefix of its own", async () => {
    const client = new Redis({ host: "127.0.0.1", port: server.port, keyPrefix: "mine:" });
    const store = await stores.coherent(server.url, { client });
    await store.set("k", text("old"), LONG_MS);
    await untilCopied(store, "k");
    await foreign.set("mine:app:{k}", "new");
    await eventually(async () => expect(await read(store, "k")).to.equal("new"));
  });

  it("ends its connection when it is closed, and asks Redis from then on", async () => {
    const store = await stores.coherent(server.url);
    await store.set("k", text("v"), LONG_MS);
    await untilCopied(store, "k");
    store.close();
    expect(store.stats()).to.include({ coherent: false, entries: 0 });
    expect(await read(store, "k")).to.equal("v");
    expect(await commandsOf(foreign, () => store.set("k", text("v"), LONG_MS))).to.deep.equal({ evalsha: 1 });
    await eventually(async () => expect(await foreign.client("LIST", "TYPE", "PUBSUB")).to.equal(""));
  });

  it("refuses what is no cache in Redis, an invalid option, and a client that reads from replicas", () => {
    const client = new Redis({ lazyConnect: true });
    const replicas = new Cluster([{ port: server.port }], { lazyConnect: true, scaleReads: "slave" });
    const replica = new Redis({ lazyConnect: true, sentinels: [{}], name: "m", role: "slave" });
    const l2 = new RedisCacheStore({ client, prefix: "app" });
    const on = (other: Redis | Cluster): RedisCacheStore =>
      new RedisCacheStore({ client: other, prefix: "app" });
    const refuses = (options: unknown, message: string): void =>
      void expect(() => new TieredCacheStore(options as { l2: RedisCacheStore })).to.throw(
        TypeError,
        message,
      );
    refuses({ l2: client }, "l2 must be a RedisCacheStore");
    refuses({ l2, maxBytes: 0 }, "maxBytes");
    refuses({ l2, maxAgeMs: 0.5 }, "maxAgeMs");
    refuses({ l2, now: 1 }, "now");
    refuses({ l2, ttlMs: 1 }, "ttlMs");
    refuses({ l2: on(replicas) }, "masters");
    refuses({ l2: on(replica) }, "masters");
  });
});

/** What Redis is asked meanwhile, but for the watchdog's PING. */
async function commandsOf(client: Redis, action: () => Promise<unknown>): Promise<object> {
  const counts = await countCommands(client, action);
  counts.delete("ping");
  return Object.fromEntries(counts);
}
