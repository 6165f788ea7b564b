import { expect } from "chai";
import slotOf from "cluster-key-slot";
import { Redis } from "ioredis";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { channels } from "express-redis-suite/telemetry";
import { sharedCluster } from "../../support/cluster.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

describeWithRedisServer("a slot of a Cluster that is on its way to another node", () => {
  let client: RedisClient;
  let nodes: readonly Redis[];
  let states: unknown[];
  const note = (event: unknown): void => void states.push(event);
  before(async function () {
    this.timeout(60_000);
    const cluster = await sharedCluster();
    client = await createRedis(cluster.url, { commandTimeoutMs: 2 * PATIENT_MS });
    nodes = cluster.masters.map(({ port }) => new Redis({ port, host: "127.0.0.1" }));
    states = [];
    channels.redisBreaker.subscribe(note);
  });
  after(() => {
    channels.redisBreaker.unsubscribe(note);
    for (const node of [client, ...nodes]) node.disconnect();
  });

  it("is refused as one that cannot be served now, and the other slots of its node are served", async () => {
    const store = new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS });
    const ids = Array.from({ length: 50 }, (_, at) => `key ${at}`);
    const slots = ids.map((id) => slotOf(`l:{${id}}`));
    // The first of the three masters has a third of the slots.
    const [moving, other] = ids.filter((_, at) => Number(slots[at]) < 5000) as [string, string];
    const slot = String(slotOf(`l:{${moving}}`));
    const [from, to] = nodes as [Redis, Redis];
    const [fromId, toId] = await Promise.all([from, to].map(async (node) => node.call("CLUSTER", "MYID")));
    await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", String(fromId));
    await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", String(toId));
    try {
      // Two keys, of which neither is there yet: a node that is being given the slot cannot serve both.
      const refused = await store
        .acquire({ key: moving, owner: "a", ttlMs: 60_000 })
        .catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(StoreUnavailableError);
      expect((await store.acquire({ key: other, owner: "a", ttlMs: 60_000 })).acquired).to.equal(true);
      expect(states, "of breakers").to.deep.equal([]);
    } finally {
      for (const node of [to, from]) await node.call("CLUSTER", "SETSLOT", slot, "STABLE");
    }
    // Nothing asks for it any longer.
    expect((await store.acquire({ key: moving, owner: "b", ttlMs: 60_000 })).acquired).to.equal(true);
  });
});
