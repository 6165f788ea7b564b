import { inspect } from "node:util";
import { expect } from "chai";
import { Redis } from "ioredis";
import { close, createRedis, health, type RedisClient } from "express-redis-suite/redis";
import { redisStores, type RedisStores } from "express-redis-suite/stores";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { sharedCluster, startCluster, type RedisCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { startStopwatch } from "../../support/own-time.ts";
import { describeWithRedisServer, freePort } from "../../support/redis-server.ts";

const POLICIES = policySet([{ name: "p", algorithm: "fixed-window", limit: 2, windowMs: 60_000 }]);
/** Enough of them to meet every node. */
const IDS = Array.from({ length: 60 }, (_, at) => `id ${at}`);

describeWithRedisServer("createRedis with a Cluster URL", () => {
  let cluster: RedisCluster;
  let client: RedisClient;
  let stores: RedisStores;
  before(async function () {
    this.timeout(60_000);
    cluster = await sharedCluster();
  });
  beforeEach(async () => {
    await cluster.flush();
    client = await createRedis(cluster.url, { name: "whole-cluster", commandTimeoutMs: 3000 });
    stores = redisStores(client, { prefix: "app", deadlineMs: 3000 });
  });
  afterEach(() => close(client));

  it("knows every master, and reports their health", async () => {
    const nodes = "nodes" in client ? client.nodes("master") : [];
    expect(nodes.map((node) => node.options.port)).to.have.members(cluster.masters.map(({ port }) => port));
    expect((await health(client)).up).to.equal(true);
  });

  it("finds the others through one node, and past one that is away", async () => {
    const dead = await freePort();
    const [first] = cluster.masters;
    for (const hosts of [`127.0.0.1:${first?.port}`, `127.0.0.1:${dead},127.0.0.1:${first?.port}`]) {
      const other = await createRedis(`redis+cluster://${hosts}`);
      await Promise.all(IDS.map((id) => other.set(id, "v")));
      await close(other);
    }
  });

  it("serves a burst to every node as its very first commands", async () => {
    const decisions = await Promise.all(
      IDS.flatMap((id) => [1, 1, 1].map((cost) => stores.rateLimit.consume(id, POLICIES, cost))),
    );
    expect(decisions.filter(({ allowed }) => allowed)).to.have.length(2 * IDS.length);
  });

  it("serves every store of redisStores and the leaderboard on every node", async () => {
    const board = new RedisLeaderboard({
      client,
      prefix: "app:board",
      columns: [{ name: "score", min: 0, max: 99 }],
      deadlineMs: 3000,
    });
    await Promise.all(
      IDS.map(async (id) => {
        await stores.cache.set(id, Buffer.from(id), 60_000);
        expect(String(await stores.cache.get(id))).to.equal(id);
        expect(await stores.cache.delete(id)).to.equal(true);
        const attempt = await stores.locks.tryAcquire(id, { ttlMs: 60_000 });
        if (!attempt.acquired) throw new Error("the lock is busy");
        expect(await attempt.lock.extend(60_000)).to.equal(true);
        expect(await attempt.lock.release()).to.equal("released");
        await stores.rateLimit.consume(id, POLICIES, 1);
        await stores.rateLimit.reset(id, POLICIES);
        expect(await board.submit(id, [{ id: "1", changes: [{ player: "a", deltas: [5] }] }])).to.equal(1);
        expect(await board.standing(id, "a")).to.deep.equal({ player: "a", rank: 1, columns: { score: 5 } });
        await board.remove(id);
      }),
    );
  });

  it("keeps what a script needs in one slot", async () => {
    const nodes = "nodes" in client ? client.nodes("master") : [];
    await stores.rateLimit.consume("k", POLICIES, 1);
    await stores.cache.set("k", Buffer.from("v"), 60_000);
    const slots = await Promise.all(
      ["app:rate:{k}", "app:cache:{k}"].map((key) => client.cluster("KEYSLOT", key)),
    );
    expect(new Set(slots).size).to.equal(1);
    expect((await Promise.all(nodes.map((node) => node.dbsize()))).toSorted((a, b) => a - b)).to.deep.equal([
      0, 0, 2,
    ]);
  });

  it("says in one clear error that a cluster is away", async () => {
    const dead = await freePort();
    const failure: unknown = await createRedis(`redis+cluster://127.0.0.1:${dead}`, {
      connectTimeoutMs: 300,
    }).catch((error: unknown) => error);
    expect(String(failure)).to.include(`no Redis at 127.0.0.1:${dead} within 300 ms`).and.include("closed");
  });
});

describeWithRedisServer("a Cluster of its own", () => {
  let cluster: RedisCluster;
  before(async function () {
    this.timeout(60_000);
    cluster = await startCluster();
  });
  after(() => cluster.stop());

  it("takes the URL's credentials on every node, and refuses wrong ones at once", async () => {
    const clients = cluster.masters.map(({ port }) => new Redis(port, "127.0.0.1"));
    await Promise.all(clients.map((node) => node.config("SET", "requirepass", "correct-horse")));
    for (const [userInfo, complaint] of [
      [":wrong-battery@", "WRONGPASS"],
      ["", "NOAUTH"],
    ] as const) {
      const watch = startStopwatch();
      const url = cluster.url.replace("://", `://${userInfo}`);
      const failure: unknown = await createRedis(url, { connectTimeoutMs: 5000 }).catch(
        (error: unknown) => error,
      );
      expect(watch.ownMs()).to.be.below(2000);
      expect(String(failure)).to.include("refuses the connection").and.include(complaint);
      expect(inspect(failure, { depth: null, showHidden: true })).to.not.include("battery");
    }
    const client = await createRedis(cluster.url.replace("://", "://:correct-horse@"));
    await Promise.all(IDS.map((id) => client.set(id, "v")));
    await close(client);
    await Promise.all(clients.map((node) => node.config("SET", "requirepass", "")));
    for (const node of clients) node.disconnect();
  });

  it("may lose a master: its commands are refused at once, and served again once it is back", async () => {
    const client = await createRedis(cluster.url, { maxReconnectDelayMs: 200 });
    const { cache } = redisStores(client, { prefix: "app" });
    const ask = (): Promise<PromiseSettledResult<unknown>[]> =>
      Promise.allSettled(IDS.map((id) => cache.get(id)));
    const [, , third] = cluster.masters;
    third?.signal("SIGSTOP");
    await ask();
    const watch = startStopwatch();
    const during = await ask();
    expect(watch.ownMs()).to.be.below(600);
    const errors = during.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
    for (const error of errors) expect(error.name).to.match(/^Store(Unavailable|Timeout)Error$/);
    third?.signal("SIGCONT");
    await eventually(async () => {
      expect((await ask()).map(({ status }) => status)).to.not.include("rejected");
    });
    expect(errors.some((error) => error instanceof StoreUnavailableError)).to.equal(true);
    client.disconnect();
  });
});
