import { expect } from "chai";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { Cluster, Redis } from "ioredis";
import type { SessionData } from "express-session";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { startCluster, type RedisCluster } from "../../support/cluster.ts";
import { describeWithRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const SESSION: SessionData = { cookie: { originalMaxAge: 60_000 } };
const DEADLINE_MS = 500;
const SIDS = Array.from({ length: 40 }, (_, at) => `sid ${at}`);

function storeOf(client: RedisClient, deadlineMs: number = PATIENT_MS): RedisSessionStore {
  return new RedisSessionStore({ client, prefix: "sess", deadlineMs });
}

describe("listing sessions through a client that has a keyPrefix", () => {
  onEachRedis((_topology, client) => {
    let prefixed: RedisClient;
    let store: RedisSessionStore;
    beforeEach(async () => {
      prefixed = withKeyPrefix(client(), "tenant[1]*:");
      store = storeOf(prefixed);
      await Promise.all(["a", "b", "c"].map((sid) => store.set(sid, SESSION)));
      await storeOf(client()).set("of nobody's tenant", SESSION);
    });
    afterEach(() => prefixed.disconnect());

    it("finds them, and those of no other prefix", async () => {
      expect(await store.ids()).to.have.length(3);
      expect(await store.length()).to.equal(3);
      expect(await store.all()).to.have.length(3);
    });

    it("ends them", async () => {
      const [id = ""] = await store.ids();
      await store.destroy(id);
      expect(await store.ids()).to.have.length(2);
      await store.clear();
      expect(await store.ids()).to.deep.equal([]);
      expect(await storeOf(client()).ids()).to.have.length(1);
    });
  });
});

describeWithRedisServer("listing sessions on a Cluster with a frozen master", () => {
  let cluster: RedisCluster;
  let client: RedisClient;
  beforeEach(async function () {
    this.timeout(60_000);
    cluster = await startCluster();
    client = await createRedis(cluster.url, { commandTimeoutMs: 3000 });
  });
  afterEach(async () => {
    client.disconnect();
    await cluster.stop();
  });

  for (const at of [0, 1, 2]) {
    it(`rejects, and opens the breaker of master ${at} alone`, async function () {
      this.timeout(20_000);
      const store = storeOf(client, DEADLINE_MS);
      await Promise.all(SIDS.map((sid) => store.set(sid, SESSION)));
      const frozen = cluster.masters[at] as RedisServer;
      frozen.signal("SIGSTOP");
      expect(await store.ids().catch((error: unknown) => error)).to.be.instanceOf(StoreTimeoutError);
      expect(await store.ids().catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailableError);
      const found = await Promise.allSettled(SIDS.map((sid) => store.get(sid)));
      const served = found.filter(({ status }) => status === "fulfilled").length;
      expect(served).to.be.within(SIDS.length / 3, SIDS.length - 1);
      for (const result of found) {
        if (result.status === "rejected") expect(result.reason).to.be.instanceOf(StoreUnavailableError);
      }
    });
  }
});

/** A client of the same servers, as somebody may bring it. */
function withKeyPrefix(client: RedisClient, keyPrefix: string): RedisClient {
  if (!("slots" in client))
    return new Redis({ ...client.options, keyPrefix, enableOfflineQueue: true } as never);
  const nodes = client.nodes("master").map(({ options: { host, port } }) => ({ host, port }));
  return new Cluster(nodes, { keyPrefix });
}
