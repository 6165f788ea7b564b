import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import type { Redis } from "ioredis";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { sharedCluster } from "../../support/cluster.ts";
import { countWrites } from "../../support/count-writes.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";

const KEYS = Array.from({ length: 20 }, (_, at) => `key ${at}`);

describeWithRedisServer("a client of createRedis", () => {
  let server: RedisServer;
  let client: Redis;
  beforeEach(async () => {
    server = await startRedisServer();
    client = (await createRedis(server.url, { maxReconnectDelayMs: 50 })) as Redis;
  });
  afterEach(async () => {
    client.disconnect();
    await server.stop();
  });

  it("writes what it is asked in one turn at once, and replies in its order", async () => {
    await Promise.all(KEYS.map((key, at) => client.set(key, at)));
    const writes = countWrites(client);
    const replies = await Promise.all(KEYS.map((key) => client.get(key)));
    expect(writes()).to.equal(1);
    expect(replies).to.deep.equal(KEYS.map((_, at) => String(at)));
  });

  it("writes once for all that promises ask for later in the turn, bytes and pipelines too", async () => {
    const writes = countWrites(client);
    const [, , piped, bytes] = await Promise.all([
      client.set("a", Buffer.from([0, 255, 13, 10])),
      Promise.resolve().then(() => client.set("b", "zoë")),
      client.pipeline().get("b").incr("n").exec(),
      Promise.resolve().then(() => client.getBuffer("a")),
    ]);
    expect(writes()).to.equal(1);
    expect(bytes).to.deep.equal(Buffer.from([0, 255, 13, 10]));
    expect(piped?.at(-1)).to.deep.equal([null, 1]);
    expect(await client.get("b")).to.equal("zoë");
  });

  it("writes a turn's batch of decisions in that very turn, with the commands that came before it", async () => {
    const store = new RedisRateLimitStore({ client, prefix: "p" });
    const policies = policySet([policy("fixed-window", 100)]);
    await store.consume("k", policies, 1);
    const writes = countWrites(client);
    const pending = [client.get("k"), store.consume("k", policies, 1), store.peek("k", policies, 1)];
    const turnEnds = turn();
    expect(writes()).to.equal(0);
    await turnEnds;
    expect(writes()).to.equal(1);
    await Promise.all(pending);
    expect(writes()).to.equal(1);
  });

  it("keeps the commands of two turns apart", async () => {
    const writes = countWrites(client);
    const first = client.get("a");
    await turn();
    const second = client.get("b");
    await turn();
    expect(writes()).to.equal(2);
    await Promise.all([first, second]);
  });

  it("gives a reply to each command where some of them fail", async () => {
    await client.set("text", "no number");
    const writes = countWrites(client);
    const results = await Promise.allSettled([
      client.incr("text"),
      client.incr("n"),
      client.lpush("text", 1),
    ]);
    expect(results.map(({ status }) => status)).to.deep.equal(["rejected", "fulfilled", "rejected"]);
    expect(writes()).to.equal(1);
  });

  it("writes once a turn on the connection that it makes anew, too", async () => {
    const replaced = client.stream;
    const pending = KEYS.map((key) => client.get(key).catch((error: unknown) => error));
    // In the middle of a turn, with commands that wait for its end.
    client.stream.destroy();
    for (const outcome of await Promise.all(pending)) expect(outcome).to.be.instanceOf(Error);
    await eventually(async () => expect(await client.ping()).to.equal("PONG"));
    expect(client.stream).to.not.equal(replaced);
    const writes = countWrites(client);
    await Promise.all(KEYS.map((key) => client.get(key)));
    expect(writes()).to.equal(1);
  });

  it("sends what it was asked before it is closed in the same turn", async () => {
    const pending = KEYS.map((key) => client.set(key, "v"));
    await close(client);
    expect(await Promise.all(pending)).to.deep.equal(KEYS.map(() => "OK"));
  });

  it("sends what it was asked before it is disconnected in the same turn", async () => {
    const pending = client.set("k", "v").catch(() => {});
    client.disconnect();
    await pending;
    const other = (await createRedis(server.url)) as Redis;
    await eventually(async () => expect(await other.get("k")).to.equal("v"));
    await close(other);
  });

  it("serves subscribers and monitors that were made from it", async () => {
    const subscriber = client.duplicate();
    await subscriber.connect();
    const heard = new Promise((resolve) => subscriber.once("message", (_, message) => resolve(message)));
    await subscriber.subscribe("news");
    const monitor = await client.monitor();
    const seen = new Promise((resolve) => {
      monitor.on("monitor", (_time, args: string[]) => args[0] === "publish" && resolve(args));
    });
    await client.publish("news", "good");
    expect(await heard).to.equal("good");
    expect(await seen).to.deep.equal(["publish", "news", "good"]);
    subscriber.disconnect();
    monitor.disconnect();
  });

  it("may itself become a subscriber", async () => {
    const publisher = (await createRedis(server.url)) as Redis;
    const heard = new Promise((resolve) => client.once("message", (_, message) => resolve(message)));
    await client.subscribe("news");
    await publisher.publish("news", "good");
    expect(await heard).to.equal("good");
    await close(publisher);
  });

  it("sends a batch of decisions in the context of the request that asked first", async () => {
    const request = new AsyncLocalStorage<string>();
    const store = new RedisRateLimitStore({ client, prefix: "p" });
    const seen: unknown[] = [];
    const { sendCommand } = client;
    client.sendCommand = (command, stream) => {
      if (command.name.startsWith("eval")) seen.push(request.getStore());
      return sendCommand.call(client, command, stream);
    };
    await Promise.all([
      request.run("a", () => client.get("k")),
      request.run("b", () => store.consume("k", policySet([policy("fixed-window", 100)]), 1)),
    ]);
    expect(new Set(seen)).to.deep.equal(new Set(["b"]));
  });
});

describeWithRedisServer("a Cluster client of createRedis", () => {
  let client: RedisClient;
  before(async function () {
    this.timeout(20_000);
    client = await createRedis((await sharedCluster()).url, { commandTimeoutMs: 5000 });
  });
  after(() => close(client));

  it("writes once a turn to each node", async () => {
    await Promise.all(KEYS.map((key, at) => client.set(key, at)));
    const nodes = "nodes" in client ? client.nodes("master") : [];
    const counters = nodes.map(countWrites);
    const replies = await Promise.all(KEYS.map((key) => client.get(key)));
    expect(replies).to.deep.equal(KEYS.map((_, at) => String(at)));
    expect(counters.map((writes) => writes())).to.deep.equal([1, 1, 1]);
  });
});
