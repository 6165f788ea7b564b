import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { redisStores } from "express-redis-suite/stores";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { sharedCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, freePort, startRedisServer } from "../../support/redis-server.ts";

const failureOf = (pending: Promise<unknown>): Promise<unknown> => pending.catch((error: unknown) => error);

describeWithRedisServer("createRedis that does not wait for the connection", () => {
  let client: RedisClient;
  let told: Error[];
  const open = async (url: string): Promise<RedisClient> => {
    told = [];
    client = await createRedis(url, {
      waitForConnection: false,
      maxReconnectDelayMs: 50,
      onError: (error) => told.push(error),
    });
    return client;
  };
  afterEach(() => close(client));

  it("returns a client that rejects commands at once, and serves once its server has come", async () => {
    const port = await freePort();
    await open(`redis://127.0.0.1:${port}`);
    const { cache } = redisStores(client, { prefix: "app" });
    expect(await failureOf(client.get("k"))).to.be.instanceOf(Error);
    expect(await failureOf(cache.get("k"))).to.be.instanceOf(StoreUnavailableError);
    await eventually(() => expect(told.map(String).join()).to.include("ECONNREFUSED"));
    const server = await startRedisServer({ port: String(port) });
    await eventually(async () => expect(await cache.get("k")).to.equal(undefined));
    await close(client);
    await server.stop();
  });

  it("goes on trying where the password is wrong, and tells onError", async () => {
    const server = await startRedisServer({ requirepass: "correct-horse" });
    await open(`redis://:wrong-battery@127.0.0.1:${server.port}`);
    await eventually(() => expect(told.filter(isWrongPassword).length).to.be.above(1));
    await server.stop();
  });

  it("serves every node of a Cluster once it is ready", async () => {
    await open((await sharedCluster()).url);
    expect(await failureOf(client.get("k"))).to.be.instanceOf(Error);
    await eventually(() => Promise.all(["a", "b", "c", "d", "e"].map((key) => client.get(key))));
  });

  it("goes on looking for a Cluster, and for sentinels, that are away", async () => {
    for (const [topology, path] of [
      ["cluster", ""],
      ["sentinel", "/mymaster"],
    ]) {
      await open(`redis+${topology}://127.0.0.1:${await freePort()}${path}`);
      expect(await failureOf(client.get("k"))).to.be.instanceOf(Error);
      await eventually(() => expect(told.length).to.be.above(1));
      await close(client);
    }
  });
});

function isWrongPassword({ message }: Error): boolean {
  return message.startsWith("WRONGPASS");
}
