import { expect } from "chai";
import { Redis } from "ioredis";
import { close, createRedis, health, type RedisClient } from "express-redis-suite/redis";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";

describeWithRedisServer("createRedis with a database that the server does not have", () => {
  let server: RedisServer;
  let client: RedisClient;
  let ready: number;
  let told: Error[];
  /** Tries to write on and on, until the server has refused the database several times, and nothing else. */
  const writeMeanwhile = async (): Promise<void> => {
    let written = 0;
    await eventually(async () => {
      await client.set("k", "v").then(
        () => (written += 1),
        () => {},
      );
      if (written > 0) return;
      expect(told.filter(({ message }) => message.includes("DB index")).length).to.be.above(2);
    });
    expect(written, "writes that went to another database").to.equal(0);
  };
  const expectUnused = async (): Promise<void> => {
    const admin = new Redis(server.url);
    expect(await admin.dbsize()).to.equal(0);
    admin.disconnect();
  };
  const open = async (waitForConnection: boolean): Promise<void> => {
    ready = 0;
    told = [];
    const onError = (error: Error): void => void told.push(error);
    client = await createRedis(`${server.url}/20`, { waitForConnection, maxReconnectDelayMs: 20, onError });
    client.on("ready", () => (ready += 1));
  };
  afterEach(async () => {
    await close(client);
    await server.stop();
  });

  it("never serves from database 0 where the connection is not waited for", async () => {
    server = await startRedisServer();
    await open(false);
    await writeMeanwhile();
    expect(ready).to.equal(0);
    expect(new Set(told.map(({ message }) => message))).to.deep.equal(
      new Set(["ERR DB index is out of range"]),
    );
    const found = await health(client);
    expect([found.up, found.reason]).to.deep.equal([false, "ERR DB index is out of range"]);
    await expectUnused();
  });

  it("never serves from database 0 after a reconnect, and serves again once the database is there", async () => {
    server = await startRedisServer({ databases: "32" });
    await open(true);
    await client.set("k", "v");
    const port = String(server.port);
    await server.stop();
    server = await startRedisServer({ port });
    await writeMeanwhile();
    expect(ready).to.equal(0);
    await expectUnused();
    await server.stop();
    server = await startRedisServer({ port, databases: "32" });
    await eventually(() => client.set("k", "v"));
    await expectUnused();
  });
});
