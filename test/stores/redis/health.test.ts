import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Redis } from "ioredis";
import { close, createRedis, health, type RedisClient } from "express-redis-suite/redis";
import { eventually } from "../../support/eventually.ts";
import { startStopwatch } from "../../support/own-time.ts";
import {
  describeWithRedisServer,
  freePort,
  startRedisServer,
  type RedisServer,
} from "../../support/redis-server.ts";
import { redis, redisUrl } from "../../support/shared-redis.ts";

describe("health", () => {
  it("reports a Redis that answers, and how long it took", async () => {
    const { up, latencyMs, reason } = await health(redis());
    expect([up, reason]).to.deep.equal([true, undefined]);
    expect(latencyMs).to.be.within(0, 250);
  });

  it("reports a client that was closed as down", async () => {
    const client = await createRedis(redisUrl());
    await close(client);
    const { up, reason } = await health(client);
    expect(up).to.equal(false);
    expect(reason).to.be.a("string").that.is.not.empty;
  });

  describeWithRedisServer("on a server that fails", () => {
    let server: RedisServer;
    let client: RedisClient;
    beforeEach(async () => {
      server = await startRedisServer();
      client = await createRedis(server.url, { maxReconnectDelayMs: 50 });
    });
    afterEach(async () => {
      client.disconnect();
      await server.stop();
    });

    it("reports a frozen one as down after the deadline, and as up again once it wakes", async () => {
      server.signal("SIGSTOP");
      const watch = startStopwatch();
      const frozen = await health(client, 80);
      expect(watch.wallMs()).to.be.at.least(75);
      expect(watch.ownMs()).to.be.below(300);
      expect(frozen).to.include({ up: false, reason: "no answer within 80 ms" });
      server.signal("SIGCONT");
      await eventually(async () => expect((await health(client)).up).to.equal(true));
    });

    it("reports a dead one as down, and as up again once it is back", async () => {
      await server.stop();
      await eventually(() => expect(client.status).to.not.equal("ready"));
      const dead = await health(client);
      expect(dead.up).to.equal(false);
      expect(dead.reason).to.be.a("string").that.is.not.empty;
      server = await startRedisServer({ port: String(server.port) });
      await eventually(async () => expect((await health(client)).up).to.equal(true));
    });
  });
});

describe("close", () => {
  it("waits for the replies under way", async () => {
    const client = await createRedis(redisUrl());
    const pending = client.incr("k");
    await close(client);
    expect(await pending).to.equal(1);
    await eventually(() => expect(client.status).to.equal("end"));
  });

  it("ends the connection on the server's side", async () => {
    const client = await createRedis(redisUrl(), { name: "to-be-closed" });
    await close(client);
    await eventually(async () => expect(String(await redis().client("LIST"))).to.not.include("to-be-closed"));
  });

  it("may be called twice, at once and one after another", async () => {
    const client = await createRedis(redisUrl());
    await Promise.all([close(client), close(client)]);
    await close(client);
  });

  it("ends a client that never connected", async () => {
    const client = new Redis(1, "127.0.0.1", { lazyConnect: true });
    await close(client);
    await eventually(() => expect(client.status).to.equal("end"));
  });

  describeWithRedisServer("on a server that fails", () => {
    it("waits half a second for a frozen server, and rejects what was under way", async () => {
      const server = await startRedisServer();
      const client = await createRedis(server.url, { commandTimeoutMs: 3000 });
      server.signal("SIGSTOP");
      const pending = client.get("k").catch((error: unknown) => error);
      const watch = startStopwatch();
      await close(client);
      expect(watch.wallMs()).to.be.at.least(490);
      expect(watch.ownMs()).to.be.below(700);
      await server.stop();
      expect(await pending).to.be.instanceOf(Error);
    });

    it("ends a client that is waiting to reconnect, which then never does", async () => {
      const server = await startRedisServer();
      const client = await createRedis(server.url, { maxReconnectDelayMs: 50 });
      await server.stop();
      await eventually(() => expect(client.status).to.equal("reconnecting"));
      const watch = startStopwatch();
      await close(client);
      expect(watch.ownMs()).to.be.below(200);
      const again = await startRedisServer({ port: String(server.port) });
      await pause(150);
      expect(await client.get("k").catch((error: unknown) => error)).to.be.instanceOf(Error);
      await again.stop();
    });
  });
});

describeWithRedisServer("health of a client that has never connected", () => {
  const reasonOf = async (url: string): Promise<(pattern: RegExp) => Promise<void>> => {
    const client = await createRedis(url, { waitForConnection: false, maxReconnectDelayMs: 20 });
    return async (pattern) => {
      try {
        await eventually(async () => expect((await health(client)).reason).to.match(pattern));
      } finally {
        await close(client);
      }
    };
  };

  it("says that the password is wrong", async () => {
    const server = await startRedisServer({ requirepass: "correct-horse" });
    await (
      await reasonOf(`redis://:wrong-battery@127.0.0.1:${server.port}`)
    )(/^WRONGPASS (?!.*battery)/);
    await server.stop();
  });

  it("says that nothing listens there", async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    await (
      await reasonOf(`redis://${nowhere}`)
    )(/ECONNREFUSED/);
    await (
      await reasonOf(`redis+cluster://${nowhere}`)
    )(/ECONNREFUSED|closed/);
  });
});
