import { expect } from "chai";
import { EtcdLockStore, type EtcdLockStoreOptions } from "express-redis-suite/stores/lock/etcd";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { channels } from "express-redis-suite/telemetry";
import { collectEvents } from "../../support/collect-events.ts";
import { useEtcd } from "../../support/etcd-server.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { useEtcdLockProcesses, type Turn } from "./etcd-lock-processes.ts";

const LONG_MS = 60_000;
const CALLERS = 20;

describe("EtcdLockStore", () => {
  const { server, client } = useEtcd();
  const storeOf = (peer = 0): EtcdLockStore =>
    new EtcdLockStore({ client: client(peer), prefix: "locks", deadlineMs: PATIENT_MS });

  describe("its options", () => {
    const mistakes: Record<string, [options: () => object, message: RegExp]> = {
      "no client": [() => ({ prefix: "p" }), /client must be an Etcd3/],
      "a namespace, whose prefix nobody would see": [
        () => ({ client: client().namespace("n/"), prefix: "p" }),
        /no namespace/,
      ],
      "a prefix with a brace": [() => ({ client: client(), prefix: "{p}" }), /prefix must be/],
      "a deadline of nothing": [
        () => ({ client: client(), prefix: "p", deadlineMs: 0 }),
        /deadlineMs must be/,
      ],
      "an option that there is not": [
        () => ({ client: client(), prefix: "p", ttl: 1 }),
        /unknown option "ttl"/,
      ],
    };
    for (const [what, [options, message]] of Object.entries(mistakes)) {
      it(`are refused with a TypeError where they have ${what}`, () => {
        expect(() => new EtcdLockStore(options() as EtcdLockStoreOptions)).to.throw(TypeError, message);
      });
    }

    it("promise no clock, so that nobody asks for it in vain", async () => {
      expect(
        await storeOf()
          .now()
          .catch((error: unknown) => error),
      ).to.be.instanceOf(TypeError);
      expect(() => new LockManager(storeOf(), { requires: ["clock"] })).to.throw(TypeError, /clock/);
    });
  });

  it("asks once to take, to extend and to give back, once its lease is there", async () => {
    const store = storeOf();
    const { kv, leaseClient } = client();
    let [asked, leased] = [0, 0];
    const [txn, leaseGrant] = [kv.txn.bind(kv), leaseClient.leaseGrant.bind(leaseClient)];
    kv.txn = (...args) => ((asked += 1), txn(...args));
    leaseClient.leaseGrant = (...args) => ((leased += 1), leaseGrant(...args));
    try {
      for (let turn = 0; turn < 10; turn++) {
        await store.acquire({ key: "k", owner: `${turn}`, ttlMs: 1000 });
        await store.extend("k", `${turn}`, 1000);
        await store.release("k", `${turn}`);
      }
    } finally {
      Object.assign(kv, { txn });
      Object.assign(leaseClient, { leaseGrant });
    }
    expect(asked).to.equal(30);
    expect(leased).to.be.within(1, 20);
  });

  it("publishes one event for each operation", async () => {
    const store = storeOf();
    const events = await collectEvents(channels.store, async () => {
      await store.acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
      await store.acquire({ key: "k", owner: "b", ttlMs: LONG_MS });
      await store.extend("k", "a", LONG_MS);
      await store.inspect("k");
      await store.release("k", "a");
    });
    expect(events.map(({ store: of, operation, outcome }) => `${of} ${operation} ${outcome}`)).to.deep.equal([
      "lock acquire ok",
      "lock acquire ok",
      "lock extend ok",
      "lock inspect ok",
      "lock release ok",
    ]);
  });

  describe("whose leases outlast the test", () => {
    /** The time of the lock itself, and nothing else, can then end it. */
    const lasting = (): EtcdLockStore => {
      const etcd = client(2);
      const { leaseClient } = etcd;
      const leaseGrant = leaseClient.leaseGrant.bind(leaseClient);
      leaseClient.leaseGrant = (request, options) => leaseGrant({ ...request, TTL: 600 }, options);
      return new EtcdLockStore({ client: etcd, prefix: "locks", deadlineMs: PATIENT_MS });
    };

    it("leaves nothing in etcd of locks that ended by themselves or were given back", async () => {
      const store = lasting();
      await store.acquire({ key: "k", owner: "a", ttlMs: 50 });
      await store.acquire({ key: "l", owner: "a", ttlMs: LONG_MS });
      await store.acquire({ key: "l", owner: "b", ttlMs: LONG_MS, waitedMs: 0 });
      await store.release("l", "b");
      await store.release("l", "a");
      await eventually(async () => expect(await client().getAll().keys()).to.deep.equal([]));
    });

    it("ends a lock at its time for other processes too", async () => {
      const [here, there] = [lasting(), storeOf(1)];
      await here.acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
      await here.extend("k", "a", 50);
      await eventually(async () =>
        expect((await there.acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true),
      );
    });

    it("gives up the place of one that asks no more, for other processes too", async () => {
      const [here, there] = [lasting(), storeOf(1)];
      await here.acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
      await here.acquire({ key: "k", owner: "b", ttlMs: LONG_MS, waitedMs: 0 });
      await eventually(async () => expect((await there.inspect("k")).waiting).to.equal(0));
    });
  });

  describe("under a LockManager", () => {
    it("serves 20 callers of one process in the order in which they came", async () => {
      const locks = new LockManager(storeOf(), { requires: ["fencing", "line"] });
      const served: [caller: number, fence: number][] = [];
      await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) =>
          locks.using("k", { ttlMs: LONG_MS, waitMs: LONG_MS }, async ({ fence }) => {
            await Promise.resolve();
            served.push([caller, fence]);
          }),
        ),
      );
      expect(served.map(([caller]) => caller)).to.deep.equal([...served.keys()]);
      const fences = served.map(([, fence]) => fence);
      expect(fences).to.deep.equal([...new Set(fences)].toSorted((a, b) => a - b));
    });

    describe("in two processes", () => {
      const processes = useEtcdLockProcesses(2, () => server().address);

      it("serves all, one at a time, and each process in its order", async () => {
        const order = { kind: "queue", key: "k", callers: CALLERS / 2, workMs: 5 } as const;
        const answers = await Promise.all(
          processes().map((process) => process.order<{ turns: Turn[] }>(order)),
        );
        for (const { turns } of answers) {
          expect(turns.map(({ caller }) => caller)).to.deep.equal([...turns.keys()]);
        }
        const all = answers.flatMap(({ turns }) => turns).toSorted((a, b) => a.fence - b.fence);
        expect(all).to.have.length(CALLERS);
        const overlaps = all.filter(({ takenAt }, at) => at > 0 && takenAt < (all[at - 1]?.endedAt ?? 0));
        expect(overlaps).to.deep.equal([]);
      });
    });
  });
});
