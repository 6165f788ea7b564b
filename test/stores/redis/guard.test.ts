import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { inspect } from "node:util";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Redis } from "ioredis";
import { close, createGuard, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels, type RedisBreakerEvent } from "express-redis-suite/telemetry";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { eventually } from "../../support/eventually.ts";
import { startStopwatch } from "../../support/own-time.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { redis } from "../../support/shared-redis.ts";

const DEADLINE_MS = 100;

/** What came of a call, and how long we took for it. */
async function timed<Value>(
  call: () => Promise<Value>,
): Promise<{ value?: Value; error?: unknown; ms: number }> {
  const watch = startStopwatch();
  try {
    const value = await call();
    return { value, ms: watch.ownMs() };
  } catch (error) {
    return { error, ms: watch.ownMs() };
  }
}

describe("createGuard", () => {
  it("rejects with a TypeError what is no function, or returns no promise", async () => {
    const guard = createGuard(redis());
    for (const call of [undefined, redis().ping(), () => "PONG"]) {
      const { error } = await timed(() => guard(call as never));
      expect(error, inspect(call))
        .to.be.instanceOf(TypeError)
        .with.property("message")
        .that.equals("guard: the call must be a function that returns a promise: guard(() => redis.ping())");
    }
  });
});

describe("the guard of a store", () => {
  for (const deadlineMs of [0, -1, NaN, Infinity, "100"]) {
    it(`refuses a deadline of ${inspect(deadlineMs)} at construction with a TypeError`, () => {
      const options = { client: redis(), prefix: "p", deadlineMs: deadlineMs as number };
      expect(() => new RedisCacheStore(options)).to.throw(TypeError, "deadlineMs");
    });
  }

  it("passes a server's error on as it came, without the command's arguments, and stays closed", async () => {
    const cache = new RedisCacheStore({ client: redis(), prefix: "p" });
    await redis().hset("p:{k}", "field", "value");
    const { error } = await timed(() => cache.get("k"));
    expect(error).to.be.instanceOf(Error).with.property("name", "ReplyError");
    expect(inspect(error)).to.include("WRONGTYPE").and.not.include("p:{k}");
    expect(await cache.get("other")).to.equal(undefined);
  });

  describeWithRedisServer("on a server that fails", () => describeFailingServer());
});

function describeFailingServer(): void {
  let server: RedisServer;
  let client: RedisClient;
  let cache: RedisCacheStore;
  let states: string[];
  const note = (event: unknown): void => {
    const { client: name, state } = event as RedisBreakerEvent;
    if (name === "guarded") states.push(state);
  };

  beforeEach(async () => {
    server = await startRedisServer();
    client = await createRedis(server.url, { name: "guarded", maxReconnectDelayMs: 100 });
    cache = new RedisCacheStore({ client, prefix: "p", deadlineMs: DEADLINE_MS });
    states = [];
    channels.redisBreaker.subscribe(note);
    // Past the guard, whose deadline a busy machine may miss here.
    await client.set("p:{k}", "v");
  });
  afterEach(async () => {
    channels.redisBreaker.unsubscribe(note);
    client.disconnect();
    await server.stop();
  });

  it("waits for a frozen server no longer than the deadline", async () => {
    server.signal("SIGSTOP");
    const { error, ms } = await timed(() => cache.get("k"));
    expect(error).to.be.instanceOf(StoreTimeoutError);
    expect(error).to.include({ code: "STORE_TIMEOUT", status: 503 });
    expect(ms).to.be.below(DEADLINE_MS + 150);
  });

  it("refuses later calls of every store on the client at once", async () => {
    const locks = new RedisLockStore({ client, prefix: "l", deadlineMs: 5000 });
    const rateLimit = new RedisRateLimitStore({ client, prefix: "r", deadlineMs: 5000 });
    const policies = policySet([policy("fixed-window", 1)]);
    server.signal("SIGSTOP");
    await timed(() => cache.get("k"));
    for (const call of [
      () => cache.get("k"),
      () => locks.acquire({ key: "k", owner: "me", ttlMs: 1000 }),
      () => cache.delete("k"),
      () => rateLimit.consume("k", policies, 1),
      () => rateLimit.reset("k", policies),
    ]) {
      const { error, ms } = await timed<unknown>(call);
      expect(error).to.be.instanceOf(StoreUnavailableError);
      expect(error).to.include({ code: "STORE_UNAVAILABLE", status: 503 });
      expect(ms).to.be.below(20);
    }
  });

  it("refuses a later decision before anything else has its turn", async () => {
    const rateLimit = new RedisRateLimitStore({ client, prefix: "r" });
    server.signal("SIGSTOP");
    await timed(() => cache.get("k"));
    const later = turn("a turn of the event loop");
    const refusal = rateLimit
      .consume("k", policySet([policy("fixed-window", 1)]), 1)
      .catch((error: unknown) => error);
    const first = await Promise.race([refusal, later]);
    expect(first).to.be.instanceOf(StoreUnavailableError);
  });

  it("lets 1,000 calls of an outage wait for one deadline together, not one after another", async () => {
    server.signal("SIGSTOP");
    const { ms } = await timed(async () => {
      await Promise.allSettled(Array.from({ length: 500 }, () => cache.get("k")));
      await Promise.allSettled(Array.from({ length: 500 }, () => cache.get("k")));
    });
    expect(ms).to.be.below(DEADLINE_MS + 300);
  });

  it("works again by itself within two seconds of a frozen server's waking", async () => {
    server.signal("SIGSTOP");
    await timed(() => cache.get("k"));
    await pause(300);
    server.signal("SIGCONT");
    await eventually(async () => expect(String(await cache.get("k"))).to.equal("v"), 2000);
    expect(states).to.deep.equal(["open", "closed"]);
  });

  it("works again by itself after a crash, on a server without its data", async () => {
    await server.stop();
    const during = await timed(() => cache.get("k"));
    expect(during.error).to.be.instanceOf(StoreUnavailableError);
    expect(during.ms).to.be.below(DEADLINE_MS);
    server = await startRedisServer({ port: String(server.port) });
    await eventually(async () => expect(await cache.get("k")).to.equal(undefined), 2000);
    await cache.set("k", Buffer.from("new"), 60_000);
    expect(String(await cache.get("k"))).to.equal("new");
  });

  it("needs no call to notice that the server is back", async () => {
    server.signal("SIGSTOP");
    await timed(() => cache.get("k"));
    server.signal("SIGCONT");
    await eventually(() => expect(states).to.deep.equal(["open", "closed"]), 2000);
    expect(String(await cache.get("k"))).to.equal("v");
  });

  it("serves a client again that its owner has ended and connected anew", async () => {
    client.disconnect();
    await eventually(() => expect(client.status).to.equal("end"));
    expect((await timed(() => cache.get("k"))).error).to.be.instanceOf(StoreUnavailableError);
    await pause(20);
    await client.connect();
    await eventually(async () => expect(String(await cache.get("k"))).to.equal("v"), 1000);
  });

  it("does not take a stall of this very process for a silent server", async () => {
    for (let round = 0; round < 2; round++) {
      const pending = timed(() => cache.get("k"));
      // The command leaves and the reply arrives while nobody looks.
      await turn();
      const until = performance.now() + 400;
      while (performance.now() < until);
      const { value, error } = await pending;
      expect(error).to.equal(undefined);
      expect(String(value)).to.equal("v");
    }
    expect(states).to.deep.equal([]);
  });

  it("calls the silence of a client with a shorter timeout of its own a timeout, too", async () => {
    const hasty = await createRedis(server.url, { commandTimeoutMs: 50 });
    const patient = new RedisCacheStore({ client: hasty, prefix: "p", deadlineMs: 5000 });
    server.signal("SIGSTOP");
    expect((await timed(() => patient.get("k"))).error).to.be.instanceOf(StoreTimeoutError);
    expect((await timed(() => patient.get("k"))).error).to.be.instanceOf(StoreUnavailableError);
    hasty.disconnect();
  });

  it("keeps its deadline on a client that queues what it cannot send", async () => {
    const queueing = new Redis(server.port, "127.0.0.1", { retryStrategy: () => 20 });
    queueing.on("error", () => {});
    const store = new RedisCacheStore({ client: queueing, prefix: "p", deadlineMs: DEADLINE_MS });
    expect(String(await store.get("k"))).to.equal("v");
    await server.stop();
    await eventually(() => expect(queueing.status).to.not.equal("ready"));
    const { error, ms } = await timed(() => store.get("k"));
    expect(error).to.be.instanceOf(StoreTimeoutError);
    expect(ms).to.be.below(DEADLINE_MS + 150);
    queueing.disconnect();
  });

  it("does not keep a program running whose work is done", async () => {
    server.signal("SIGSTOP");
    await timed(() => cache.get("k"));
    await close(client);
    // A probe that went on would hold the loop open, or speak up after the end.
    await pause(250);
    expect(states).to.deep.equal(["open"]);
  });
}
