import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { LockAttempt, LockStore } from "express-redis-suite/stores/lock/contract";
import { eventually } from "../support/eventually.ts";
import { AWKWARD_IDS } from "./awkward-ids.ts";

/** Opens a store; those with one prefix share their locks, as processes do, each on the connection of its peer. */
export type OpenLockStore = (prefix: string, peer?: number) => LockStore;

const LONG_MS = 60_000;

/** What the contract in `stores/lock/contract.ts` promises of every backend. */
export function describeLockStore(name: string, open: OpenLockStore): void {
  describe(`${name} keeps the contract of a lock store`, () => {
    let store: LockStore;
    beforeEach(() => {
      store = open("locks");
    });

    describe("acquire", () => describeAcquire(() => store));
    describe("extend", () => describeExtend(() => store));
    describe("release", () => describeRelease(() => store));
    describe("a lock that has expired and is another's now", () => describeTakenOver(() => store));
    describe("many at once", () => describeConcurrency(open));
    describe("keys", () => describeKeys(() => store, open));
  });
}

function describeAcquire(store: () => LockStore): void {
  it("takes a lock that nobody holds", async () => {
    expect(await store().acquire("k", "a", LONG_MS)).to.deep.equal({ acquired: true });
  });

  it("refuses a held lock and says how long the holder's time lasts", async () => {
    await store().acquire("k", "a", LONG_MS);
    const attempt = await store().acquire("k", "b", LONG_MS);
    expect(attempt.acquired).to.equal(false);
    expect(waitOf(attempt)).to.be.within(LONG_MS - 5000, LONG_MS);
  });

  it("leaves the holder's time as it is when it refuses", async () => {
    await store().acquire("k", "a", LONG_MS);
    await store().acquire("k", "b", 10);
    await pause(30);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(false);
  });

  it("gives its owner a lock anew, with the new time", async () => {
    await store().acquire("k", "a", LONG_MS);
    expect(await store().acquire("k", "a", 2 * LONG_MS)).to.deep.equal({ acquired: true });
    expect(waitOf(await store().acquire("k", "b", 1))).to.be.above(LONG_MS);
    await store().acquire("k", "a", 50);
    await eventually(async () => expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true));
  });

  it("takes a lock whose time is over", async () => {
    await store().acquire("k", "a", 80);
    const attempt = await store().acquire("k", "b", LONG_MS);
    expect(waitOf(attempt)).to.be.within(0, 80);
    await pause(waitOf(attempt) + 5);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true);
  });
}

function describeExtend(store: () => LockStore): void {
  it("makes a held lock last from now on, longer or shorter", async () => {
    await store().acquire("k", "a", 100);
    expect(await store().extend("k", "a", LONG_MS)).to.equal(true);
    await pause(120);
    expect(waitOf(await store().acquire("k", "b", 1))).to.be.within(LONG_MS - 5000, LONG_MS);
    expect(await store().extend("k", "a", 30)).to.equal(true);
    await eventually(async () => expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true));
  });

  it("answers false for a lock that nobody holds, and does not take it", async () => {
    expect(await store().extend("k", "a", LONG_MS)).to.equal(false);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true);
  });

  it("answers false after the time is over, and does not take it again", async () => {
    await store().acquire("k", "a", 30);
    await pause(45);
    expect(await store().extend("k", "a", LONG_MS)).to.equal(false);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true);
  });

  it("answers false to a stranger, and changes nothing", async () => {
    await store().acquire("k", "a", LONG_MS);
    expect(await store().extend("k", "b", 1)).to.equal(false);
    await pause(10);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(false);
  });
}

function describeRelease(store: () => LockStore): void {
  it("gives a held lock back to whoever comes next", async () => {
    await store().acquire("k", "a", LONG_MS);
    expect(await store().release("k", "a")).to.equal(true);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true);
  });

  it("answers false the second time, and for a lock that never was", async () => {
    await store().acquire("k", "a", LONG_MS);
    await store().release("k", "a");
    expect(await store().release("k", "a")).to.equal(false);
    expect(await store().release("never", "a")).to.equal(false);
  });

  it("answers false to a stranger, and leaves the lock held", async () => {
    await store().acquire("k", "a", LONG_MS);
    for (const stranger of ["b", "", "A", "a ", "*"]) {
      expect(await store().release("k", stranger)).to.equal(false);
    }
    expect(await store().release("k", "a")).to.equal(true);
  });
}

function describeTakenOver(store: () => LockStore): void {
  beforeEach(async () => {
    await store().acquire("k", "former", 30);
    await eventually(async () =>
      expect((await store().acquire("k", "present", LONG_MS)).acquired).to.equal(true),
    );
  });

  it("is not released by its former owner", async () => {
    expect(await store().release("k", "former")).to.equal(false);
    expect((await store().acquire("k", "third", LONG_MS)).acquired).to.equal(false);
  });

  it("is not extended by its former owner", async () => {
    expect(await store().extend("k", "former", 1)).to.equal(false);
    await pause(10);
    expect((await store().acquire("k", "third", LONG_MS)).acquired).to.equal(false);
  });

  it("is not taken back by its former owner while it is held", async () => {
    expect((await store().acquire("k", "former", LONG_MS)).acquired).to.equal(false);
    expect(await store().release("k", "present")).to.equal(true);
    expect((await store().acquire("k", "former", LONG_MS)).acquired).to.equal(true);
  });
}

function describeConcurrency(open: OpenLockStore): void {
  it("gives a lock to exactly one of 100 askers over four connections", async () => {
    const attempts = await Promise.all(
      Array.from({ length: 100 }, (_, at) => open("locks", at % 4).acquire("k", `owner ${at}`, LONG_MS)),
    );
    expect(attempts.filter(({ acquired }) => acquired)).to.have.length(1);
  });

  it("lets exactly one of many releases by the owner succeed", async () => {
    await open("locks").acquire("k", "a", LONG_MS);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => open("locks", at % 4).release("k", "a")),
    );
    expect(answers.filter(Boolean)).to.have.length(1);
  });

  it("never has two holders while many take, work and give back", async () => {
    let holders = 0;
    let most = 0;
    let turns = 0;
    const worker = async (peer: number): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) {
        const owner = `${peer}-${turn}`;
        while (!(await open("locks", peer).acquire("k", owner, LONG_MS)).acquired) await pause(1);
        most = Math.max(most, ++holders);
        await pause(0);
        holders--;
        turns++;
        await open("locks", peer).release("k", owner);
      }
    };
    await Promise.all([0, 1, 2, 3].map(worker));
    expect([turns, most]).to.deep.equal([40, 1]);
  });
}

function describeKeys(store: () => LockStore, open: OpenLockStore): void {
  it("keeps every key apart, whatever characters it has and however long it is", async () => {
    const first = await Promise.all(AWKWARD_IDS.map((id) => store().acquire(id, "a", LONG_MS)));
    expect(AWKWARD_IDS.filter((_, at) => !first[at]?.acquired)).to.deep.equal([]);
    const released = await Promise.all(AWKWARD_IDS.map((id) => store().release(id, "a")));
    expect(AWKWARD_IDS.filter((_, at) => !released[at])).to.deep.equal([]);
  });

  it("takes any text for an owner", async () => {
    for (const [at, owner] of AWKWARD_IDS.filter((id) => !id.startsWith("\ud800")).entries()) {
      await store().acquire(`k${at}`, owner, LONG_MS);
      expect((await store().acquire(`k${at}`, `${owner}x`, LONG_MS)).acquired).to.equal(false);
      expect(await store().release(`k${at}`, owner)).to.equal(true);
    }
  });

  it("keeps one key apart under two prefixes", async () => {
    const other = open("locks2");
    await store().acquire("k", "a", LONG_MS);
    expect(await other.release("k", "a")).to.equal(false);
    expect((await other.acquire("k", "b", LONG_MS)).acquired).to.equal(true);
    expect(await store().release("k", "a")).to.equal(true);
  });
}

function waitOf(attempt: LockAttempt): number {
  return attempt.acquired ? NaN : attempt.retryAfterMs;
}
