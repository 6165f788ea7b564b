import { once } from "node:events";
import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { EtcdLockStore } from "express-redis-suite/stores/lock/etcd";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { CLIENT_RECOVERY_MS, useEtcd } from "../support/etcd-server.ts";
import { eventually } from "../support/eventually.ts";
import { useEtcdLockProcesses, type Held } from "../stores/lock/etcd-lock-processes.ts";

const LONG_MS = 60_000;
const LEASE_LOST = "while its lease is lost";

describe("locks in etcd", function () {
  this.timeout(60_000);
  const { server, client } = useEtcd();
  let store: EtcdLockStore;
  let other: LockStore;
  beforeEach(() => {
    store = new EtcdLockStore({ client: client(0), prefix: "locks", deadlineMs: 500 });
    other = new EtcdLockStore({ client: client(1), prefix: "locks", deadlineMs: 500 });
  });

  const take = async (from: LockStore, owner: string): Promise<boolean> =>
    (await from.acquire({ key: "k", owner, ttlMs: LONG_MS })).acquired;
  const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => "nothing",
      (error: unknown) => (error as { code?: unknown }).code ?? error,
    );

  it("outlive a crash of etcd, and meanwhile every call says that it is away", async () => {
    expect(await take(store, "a")).to.equal(true);
    await server().kill();
    const asked = [take(other, "b"), store.extend("k", "a", LONG_MS), other.inspect("k")];
    for (const code of await Promise.all(asked.map(codeOf))) {
      expect(code).to.be.oneOf(["STORE_UNAVAILABLE", "STORE_TIMEOUT"]);
    }
    await server().start();
    await eventually(async () => expect(await take(other, "b")).to.equal(false), CLIENT_RECOVERY_MS);
    await eventually(
      async () => expect(await store.extend("k", "a", LONG_MS)).to.equal(true),
      CLIENT_RECOVERY_MS,
    );
    expect(await store.release("k", "a")).to.equal("released");
    expect(await take(other, "b")).to.equal(true);
  });

  it("keep nobody longer than the deadline while etcd is frozen, and go on once it wakes up", async () => {
    expect(await take(store, "a")).to.equal(true);
    server().signal("SIGSTOP");
    try {
      const asked = [take(other, "b"), store.release("k", "a"), other.extend("k", "a", LONG_MS)];
      const codes = await Promise.all(asked.map(codeOf));
      expect(codes).to.deep.equal(["STORE_TIMEOUT", "STORE_TIMEOUT", "STORE_TIMEOUT"]);
      // The deadline is over, or the client asks no more.
      expect(await codeOf(take(other, "c"))).to.be.oneOf(["STORE_UNAVAILABLE", "STORE_TIMEOUT"]);
    } finally {
      server().signal("SIGCONT");
    }
    await eventually(async () => {
      await store.release("k", "a");
      await other.release("k", "b");
      expect(await take(store, "d")).to.equal(true);
    }, CLIENT_RECOVERY_MS);
  });

  it("abort their signals at their time while etcd is frozen, whatever extends them", async () => {
    const locks = new LockManager(store);
    const lock = await locks.acquire("k", { ttlMs: 1000, autoExtend: true });
    server().signal("SIGSTOP");
    try {
      await once(lock.signal, "abort");
      expect(lock.isValid()).to.equal(false);
      expect(lock.signal.reason).to.have.property("code", "LOCK_LOST");
    } finally {
      server().signal("SIGCONT");
    }
    await eventually(async () => expect(await take(other, "b")).to.equal(true), CLIENT_RECOVERY_MS);
  });

  it("are served to those who wait after etcd was away meanwhile", async () => {
    const locks = new LockManager(other);
    expect(await take(store, "a")).to.equal(true);
    const waited = locks.acquire("k", { ttlMs: LONG_MS, waitMs: LONG_MS });
    await eventually(async () => expect((await store.inspect("k")).waiting).to.equal(1));
    await server().kill();
    await server().start();
    await eventually(
      async () => expect(await store.release("k", "a")).to.be.oneOf(["released", "expired"]),
      CLIENT_RECOVERY_MS,
    );
    expect((await waited).isValid()).to.equal(true);
    await (await waited).release();
  });

  it(`are lost ${LEASE_LOST}, and can be taken again at once`, async () => {
    expect(await take(store, "a")).to.equal(true);
    const { leases } = await client().leaseClient.leaseLeases();
    for (const { ID } of leases) await client().leaseClient.leaseRevoke({ ID });
    expect(await store.extend("k", "a", LONG_MS)).to.equal(false);
    expect(await store.release("k", "a")).to.equal("expired");
    expect(await take(store, "b")).to.equal(true);
    expect(await take(other, "c")).to.equal(false);
  });

  it(`keep a place in line ${LEASE_LOST}`, async () => {
    expect(await take(store, "a")).to.equal(true);
    const wait = (): Promise<unknown> => other.acquire({ key: "k", owner: "b", ttlMs: LONG_MS, waitedMs: 0 });
    await wait();
    await client().delete().prefix("locks:{k}/w:");
    await wait();
    expect((await store.inspect("k")).waiting).to.equal(1);
  });

  describe("of a process that is killed", () => {
    const processes = useEtcdLockProcesses(1, () => server().address);

    it("end with its lease, and not before their time", async () => {
      const ttlMs = 1000;
      const [holder] = processes();
      const held = await holder?.order<Held>({ kind: "hold", key: "k", ttlMs });
      const waited = new LockManager(other).acquire("k", { ttlMs: LONG_MS, waitMs: LONG_MS });
      holder?.kill();
      const lock = await waited;
      expect(Date.now()).to.be.at.least((held?.askedAt ?? Infinity) + ttlMs);
      expect(lock.fence).to.be.above(held?.fence ?? Infinity);
      await lock.release();
    });
  });
});
