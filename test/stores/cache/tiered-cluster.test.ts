import { expect } from "chai";
import slotOf from "cluster-key-slot";
import type { Redis } from "ioredis";
import type { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { startCluster, type RedisCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { read, untilCoherent, untilCopied, useTieredStores } from "./tiered-stores.ts";

const LONG_MS = 60_000;
const MASTERS = 3;
/** One of each third of the slots, in the order of the masters. */
const KEYS = Array.from({ length: MASTERS }, (_, share) => keyOfShare(share));

describeWithRedisServer("TieredCacheStore on a Redis Cluster", () => {
  const stores = useTieredStores();
  let cluster: RedisCluster;
  let nodes: Redis[];
  beforeEach(async function () {
    this.timeout(60_000);
    cluster = await startCluster(MASTERS);
    nodes = cluster.masters.map(({ port }) => stores.plain(port));
  });
  afterEach(() => cluster.stop());

  async function storeWithCopies(): Promise<TieredCacheStore> {
    const store = await stores.coherent(cluster.url);
    for (const key of KEYS) await store.set(key, Buffer.from("old"), LONG_MS);
    for (const key of KEYS) await untilCopied(store, key);
    return store;
  }

  /** Writes as somebody else, once there is a copy, and waits until it is seen. */
  async function hearsOf(store: TieredCacheStore, key: string, node: Redis | undefined): Promise<void> {
    await untilCoherent(store);
    await untilCopied(store, key);
    const written = String(Math.random());
    await node?.set(`app:{${key}}`, written);
    await eventually(async () => expect(await read(store, key)).to.equal(written));
  }

  it("hears of changes on every master, and of any that is emptied", async () => {
    const store = await storeWithCopies();
    for (const [at, key] of KEYS.entries()) await hearsOf(store, key, nodes[at]);
    for (const key of KEYS) await untilCopied(store, key);
    await nodes[1]?.flushall();
    await eventually(() => expect(store.stats().entries).to.equal(0));
    expect(store.stats()).to.include({ mode: "tracking", coherent: true });
  });

  it("uses no copy while a master is away, and hears of changes on the one that takes its place", async function () {
    this.timeout(60_000);
    const [master] = cluster.masters;
    if (!master) throw new Error("there is no master");
    const { port, takeOver } = await cluster.addReplica(master);
    const store = await storeWithCopies();
    // What the replica has not seen yet would die with its master, and of what is not there there is no copy.
    await nodes[0]?.set(`app:{${KEYS[0]}}`, "old");
    expect(await nodes[0]?.wait(1, 10_000)).to.equal(1);
    master.signal("SIGKILL");
    await eventually(() => expect(store.stats()).to.include({ coherent: false, entries: 0 }));
    await takeOver();
    // Asked, the client looks for the new master.
    await eventually(() => store.get(String(KEYS[0])), 30_000);
    const heirs = [stores.plain(port), nodes[1], nodes[2]];
    for (const [at, key] of KEYS.entries()) await eventually(() => hearsOf(store, key, heirs[at]), 30_000);
  });

  it("hears of changes to a key that has moved to another master", async () => {
    const store = await storeWithCopies();
    const [key = ""] = KEYS;
    const [from, to] = nodes;
    const slot = String(slotOf(`{${key}}`));
    const [fromId, toId] = await Promise.all(
      nodes.map(async (node) => String(await node.call("CLUSTER", "MYID"))),
    );
    await to?.call("CLUSTER", "SETSLOT", slot, "IMPORTING", String(fromId));
    await from?.call("CLUSTER", "SETSLOT", slot, "MIGRATING", String(toId));
    const target = ["127.0.0.1", String(cluster.masters[1]?.port)];
    await from?.call("MIGRATE", ...target, `app:{${key}}`, "0", "5000");
    for (const node of [to, from, nodes[2]])
      await node?.call("CLUSTER", "SETSLOT", slot, "NODE", String(toId));
    await hearsOf(store, key, to);
  });
});

function keyOfShare(share: number): string {
  for (let at = 0; ; at += 1) {
    if (Math.floor((slotOf(`{k${at}}`) * MASTERS) / 16_384) === share) return `k${at}`;
  }
}
