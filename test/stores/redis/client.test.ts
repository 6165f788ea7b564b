import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { inspect } from "node:util";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { close, createRedis, type CreateRedisOptions, type RedisClient } from "express-redis-suite/redis";
import { RedisConnectError } from "express-redis-suite/stores/errors";
import { eventually } from "../../support/eventually.ts";
import { startStopwatch } from "../../support/own-time.ts";
import {
  describeWithRedisServer,
  freePort,
  startRedisServer,
  type RedisServer,
} from "../../support/redis-server.ts";
import { redisUrl } from "../../support/shared-redis.ts";

const opened: RedisClient[] = [];

async function connect(url: string | undefined, options?: CreateRedisOptions): Promise<RedisClient> {
  const client = await createRedis(url, options);
  opened.push(client);
  return client;
}

async function refusal(url: string | undefined, options?: CreateRedisOptions): Promise<unknown> {
  return connect(url, options).catch((error: unknown) => error);
}

describe("createRedis", () => {
  afterEach(() => Promise.all(opened.splice(0).map((client) => close(client))));

  it("answers a client that has said PONG, with its name in CLIENT LIST", async () => {
    const client = await connect(redisUrl(), { name: "orders@eu" });
    expect(client.status).to.equal("ready");
    expect(await client.client("GETNAME")).to.equal("orders@eu");
  });

  it("is called express-redis-suite by default", async () => {
    expect(await (await connect(redisUrl())).client("GETNAME")).to.equal("express-redis-suite");
  });

  it("uses the database of the URL", async () => {
    const [zero, three] = [await connect(redisUrl()), await connect(`${redisUrl()}/3`)];
    await three.set("k", "in three");
    expect([await zero.get("k"), await three.get("k")]).to.deep.equal([null, "in three"]);
  });

  for (const url of [undefined, ""]) {
    it(`rejects ${url === undefined ? "a missing" : "an empty"} URL with a TypeError that mentions REDIS_URL`, async () => {
      expect(await refusal(url))
        .to.be.instanceOf(TypeError)
        .with.property("message")
        .that.includes("REDIS_URL");
    });
  }

  const badOptions: [option: string, values: readonly unknown[]][] = [
    ...["connectTimeoutMs", "commandTimeoutMs", "maxReconnectDelayMs"].map((option): [string, unknown[]] => [
      option,
      [0, -1, NaN, Infinity, "100", null],
    ]),
    ["name", ["", "my app", "line\nbreak", "zoë", "x".repeat(65)]],
    ["scaleReads", ["replica", ""]],
    ["waitForConnection", ["no", 0]],
    ["onError", ["console.error"]],
  ];
  for (const [option, values] of badOptions) {
    it(`rejects ${option} of ${values.map((value) => inspect(value)).join(", ")} with a TypeError`, async () => {
      for (const value of values) {
        const failure = await refusal(redisUrl(), { [option]: value });
        expect(failure, String(value))
          .to.be.instanceOf(TypeError)
          .with.property("message")
          .that.includes(option);
      }
    });
  }

  const unknown: Record<string, string> = {
    connectTimeout: 'use "connectTimeoutMs"',
    socketTimeoutMs: 'five times "commandTimeoutMs"',
    lazyConnect: "waitForConnection: false",
    connectionName: 'use "name"',
    password: "belongs into the URL",
    maxRetriesPerRequest: "neither queue commands nor repeat them",
    colour: "there are connectTimeoutMs",
  };
  for (const [option, advice] of Object.entries(unknown)) {
    it(`rejects the unknown option ${option} with a TypeError that says what to do`, async () => {
      const failure = await refusal(redisUrl(), { [option]: 1 });
      expect(failure).to.be.instanceOf(TypeError);
      expect(String(failure)).to.include(`createRedis: unknown option "${option}"`).and.include(advice);
    });
  }

  it("says within the time that nobody listens, and where it looked", async () => {
    const port = await freePort();
    const watch = startStopwatch();
    const failure = await refusal(`redis://alice:hush@127.0.0.1:${port}`, { connectTimeoutMs: 150 });
    expect(watch.wallMs()).to.be.at.least(140);
    expect(watch.ownMs()).to.be.below(600);
    expect(failure).to.be.instanceOf(RedisConnectError).with.property("code", "REDIS_CONNECT_FAILED");
    expect(String(failure)).to.include(`127.0.0.1:${port}`).and.include("150 ms").and.include("ECONNREFUSED");
    expect(inspect(failure, { depth: null })).to.not.include("hush");
  });

  it("says within the time that a port accepts and stays silent, and hangs up", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const watch = startStopwatch();
    const failure = await refusal(`redis://127.0.0.1:${port}`, { connectTimeoutMs: 150 });
    expect(watch.wallMs()).to.be.at.least(140);
    expect(watch.ownMs()).to.be.below(600);
    expect(String(failure)).to.include("no Redis at").and.include(`127.0.0.1:${port}`);
    for (const socket of sockets) socket.resume();
    await eventually(() => expect(sockets.every((socket) => socket.readableEnded)).to.equal(true));
    silent.close();
  });

  describeWithRedisServer("with a server of its own", () => describeOwnServer());
});

function describeOwnServer(): void {
  let server: RedisServer;
  const at = (userInfo: string): string => `redis://${userInfo}@127.0.0.1:${server.port}`;
  before(async () => {
    server = await startRedisServer({
      requirepass: "correct-horse",
      user: "alice on >p/a:s@s ~* &* +@all",
    });
  });
  after(() => server.stop());

  it("logs in with a password, and as a user", async () => {
    const clients = [at(":correct-horse"), at("correct-horse"), at("alice:p%2Fa%3As%40s")].map((url) =>
      connect(url),
    );
    const names = await Promise.all(clients.map(async (client) => (await client).call("ACL", "WHOAMI")));
    expect(names).to.deep.equal(["default", "default", "alice"]);
  });

  const wrong: Record<string, [userInfo: string, complaint: string]> = {
    "a wrong password": [":wrong-battery", "WRONGPASS"],
    "a wrong password of a user": ["alice:wrong-battery", "WRONGPASS"],
    "an unknown user": ["mallory:wrong-battery", "WRONGPASS"],
    "no password": [":", "NOAUTH"],
  };
  for (const [what, [userInfo, complaint]] of Object.entries(wrong)) {
    it(`rejects ${what} at once, and shows no credentials anywhere in the error`, async () => {
      const watch = startStopwatch();
      const failure = await refusal(at(userInfo), { connectTimeoutMs: 5000 });
      expect(watch.ownMs()).to.be.below(2000);
      expect(failure).to.be.instanceOf(RedisConnectError);
      expect(String(failure)).to.include(`127.0.0.1:${server.port} refuses`).and.include(complaint);
      expect(inspect(failure, { depth: null, showHidden: true })).to.not.include("battery");
    });
  }

  it("rejects a database that the server does not have, instead of using database 0", async () => {
    const failure = await refusal(`${at(":correct-horse")}/99`, { connectTimeoutMs: 5000 });
    expect(failure)
      .to.be.instanceOf(RedisConnectError)
      .with.property("message")
      // At once: what waited in vain says so instead.
      .that.matches(/ refuses the connection: ERR DB index/);
  });

  it("tells onError of later errors only, without credentials", async () => {
    const told: Error[] = [];
    const onError = (error: Error): void => void told.push(error);
    const client = await connect(at("alice:p%2Fa%3As%40s"), { onError, maxReconnectDelayMs: 20 });
    expect(told).to.deep.equal([]);
    const admin = await connect(at(":correct-horse"));
    await admin.call("ACL", "SETUSER", "alice", "resetpass", ">changed");
    await admin.call("CLIENT", "KILL", "USER", "alice");
    await eventually(() => expect(told.map(String).join()).to.include("WRONGPASS"));
    expect(inspect(told, { depth: null })).to.not.include("p/a:s@s");
    client.disconnect();
  });

  it("goes on trying until the time is over, and finds a server that comes up late", async () => {
    const port = await freePort();
    const told: Error[] = [];
    const onError = (error: Error): void => void told.push(error);
    const pending = connect(`redis://127.0.0.1:${port}`, {
      connectTimeoutMs: 5000,
      maxReconnectDelayMs: 50,
      onError,
    });
    await pause(200);
    const late = await startRedisServer({ port: String(port) });
    expect(await (await pending).ping()).to.equal("PONG");
    expect(told).to.deep.equal([]);
    await late.stop();
  });

  it("rejects commands at once while the connection is down, and takes them again when it is back", async () => {
    const first = await startRedisServer();
    const client = await connect(first.url, { maxReconnectDelayMs: 1000 });
    await first.stop();
    // Long enough for the pauses between attempts to have grown: a queue would hold commands for one of them.
    await pause(400);
    const watch = startStopwatch();
    for (let time = 0; time < 3; time++) {
      expect(await client.get("k").catch((error: unknown) => error)).to.be.instanceOf(Error);
    }
    expect(watch.ownMs()).to.be.below(50);
    const second = await startRedisServer({ port: String(first.port) });
    await eventually(async () => expect(await client.ping()).to.equal("PONG"));
    await second.stop();
  });

  it("rejects a command that a frozen server does not answer, and works again when it wakes", async () => {
    const frozen = await startRedisServer();
    const client = await connect(frozen.url, { commandTimeoutMs: 100 });
    frozen.signal("SIGSTOP");
    const watch = startStopwatch();
    expect(await client.get("k").catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect(watch.wallMs()).to.be.at.least(95);
    expect(watch.ownMs()).to.be.below(500);
    frozen.signal("SIGCONT");
    await eventually(async () => expect(await client.ping()).to.equal("PONG"));
    await frozen.stop();
  });

  it("tears down a socket that stays silent, and connects anew", async () => {
    const frozen = await startRedisServer();
    const client = await connect(frozen.url, { commandTimeoutMs: 30, maxReconnectDelayMs: 20 });
    frozen.signal("SIGSTOP");
    await client.get("k").catch(() => {});
    await eventually(() => expect(client.status).to.not.equal("ready"));
    frozen.signal("SIGCONT");
    await eventually(async () => expect(await client.ping()).to.equal("PONG"));
    await frozen.stop();
  });
}
