import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedlockStore } from "express-redis-suite/stores/lock/redlock";
import { eventually } from "../../../support/eventually.ts";
import {
  describeWithRedisServer,
  startRedisServer,
  type RedisServer,
} from "../../../support/redis-server.ts";
import { PATIENT_MS } from "../../../support/shared-redis.ts";

const LONG_MS = 60_000;
/** Longer than a test may take: whoever waits for it, fails. */
const FOR_EVER_MS = 120_000;

describeWithRedisServer("RedlockStore, with masters that are lost", () => {
  let servers: RedisServer[] = [];
  let clients: RedisClient[] = [];
  let store: RedlockStore;
  let other: RedlockStore;
  const open = (deadlineMs: number): RedlockStore => new RedlockStore({ clients, prefix: "l", deadlineMs });
  const acquire = (owner: string, by = store): ReturnType<RedlockStore["acquire"]> =>
    by.acquire({ key: "k", owner, ttlMs: LONG_MS });
  const signal = (name: NodeJS.Signals, ...which: number[]): void =>
    which.forEach((at) => servers[at]?.signal(name));
  const kill = async (...which: number[]): Promise<void> => {
    await Promise.all(which.map(async (at) => servers[at]?.stop()));
    await eventually(() => which.forEach((at) => expect(clients[at]?.status).not.to.equal("ready")));
  };
  const restart = async (...which: number[]): Promise<void> => {
    for (const at of which) servers[at] = await startRedisServer({ port: String(servers[at]?.port) });
    await eventually(() => Promise.all(which.map(async (at) => clients[at]?.ping())));
  };
  const heldOn = async (at: number): Promise<number> => (await clients[at]?.exists("l:{k}")) ?? NaN;
  const failureOf = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      (answer) => answer,
      (error: unknown) => error,
    );

  beforeEach(async () => {
    servers = await Promise.all([startRedisServer(), startRedisServer(), startRedisServer()]);
    clients = await Promise.all(
      servers.map(({ url }) => createRedis(url, { commandTimeoutMs: FOR_EVER_MS })),
    );
    [store, other] = [open(PATIENT_MS), open(PATIENT_MS)];
  });
  afterEach(async () => {
    signal("SIGCONT", 0, 1, 2);
    await Promise.all(clients.map((client) => close(client)));
    await Promise.all(servers.map((server) => server.stop()));
  });

  for (const lost of [0, 1, 2]) {
    it(`locks as before with master ${lost} killed, and with it back`, async () => {
      expect((await acquire("a")).acquired).to.equal(true);
      await kill(lost);
      expect((await acquire("b", other)).acquired).to.equal(false);
      expect(await store.extend("k", "a", LONG_MS)).to.equal(true);
      expect((await store.inspect("k")).holders).to.have.length(1);
      expect(await store.now()).to.be.above(0);
      expect(await store.release("k", "a")).to.equal("released");
      expect((await acquire("b", other)).acquired).to.equal(true);
      await restart(lost);
      expect((await acquire("a")).acquired).to.equal(false);
      expect(await other.release("k", "b")).to.equal("released");
    });
  }

  it("rejects as unavailable with two killed, says why, and recovers with one of them back", async () => {
    await kill(0, 2);
    const asked = [
      acquire("a"),
      store.extend("k", "a", LONG_MS),
      store.release("k", "a"),
      store.inspect("k"),
      store.now(),
    ];
    for (const failure of await Promise.all(asked.map(failureOf))) {
      expect(failure).to.be.instanceOf(StoreUnavailableError);
      expect(failure).to.have.nested.property("cause.errors").that.has.lengthOf(2);
    }
    await restart(2);
    await eventually(async () => expect((await acquire("b")).acquired).to.equal(true));
  });

  it("waits for no master that is frozen, whatever its deadline, while the others agree", async () => {
    const patient = open(FOR_EVER_MS);
    signal("SIGSTOP", 1);
    expect((await acquire("a", patient)).acquired).to.equal(true);
    expect((await acquire("b", patient)).acquired).to.equal(false);
    expect(await patient.extend("k", "a", LONG_MS)).to.equal(true);
    expect((await patient.inspect("k")).holders).to.have.length(1);
    expect(await patient.release("k", "a")).to.equal("released");
    expect((await patient.inspect("k")).holders).to.deep.equal([]);
    signal("SIGCONT", 1);
    await eventually(async () => expect(await heldOn(1)).to.equal(0));
  });

  it("takes what two frozen masters give it when they wake up, and gives it back", async () => {
    const hasty = open(50);
    signal("SIGSTOP", 0, 1);
    expect(await failureOf(acquire("a", hasty))).to.be.instanceOf(StoreUnavailableError);
    signal("SIGCONT", 0, 1);
    await eventually(async () =>
      expect([await heldOn(0), await heldOn(1), await heldOn(2)]).to.deep.equal([0, 0, 0]),
    );
    await eventually(async () => expect((await acquire("b")).acquired).to.equal(true));
  });

  it("leaves an owner that asks again what it then gets, though its first attempt is still being given back", async () => {
    const hasty = open(50);
    signal("SIGSTOP", 0, 1);
    expect(await failureOf(acquire("a", hasty))).to.be.instanceOf(StoreUnavailableError);
    // Tried after 0, 100, 300 and 700 ms.
    await pause(400);
    signal("SIGCONT", 0, 1);
    await eventually(async () => {
      await hasty.acquire({ key: "other", owner: "a", ttlMs: LONG_MS });
      for (const client of clients) expect(await client.exists("l:{other}")).to.equal(1);
    });
    expect((await acquire("a", hasty)).acquired).to.equal(true);
    // Longer than from one try in the background to the next.
    for (let looks = 0; looks < 50; looks++) {
      await pause(10);
      expect([await heldOn(0), await heldOn(1), await heldOn(2)]).to.deep.equal([1, 1, 1]);
    }
  });

  it("extends what a majority still has, and takes nothing again on one that has lost it", async () => {
    await acquire("a");
    await kill(1);
    await restart(1);
    await eventually(async () => expect(await store.extend("k", "a", LONG_MS)).to.equal(true));
    expect(await heldOn(1)).to.equal(0);
    await kill(2);
    await restart(2);
    await eventually(async () => expect(await store.extend("k", "a", LONG_MS)).to.equal(false));
    expect(await store.release("k", "a")).to.equal("expired");
  });

  it("does not call a lock lost where a master that is away decides, and keeps it once that is back", async () => {
    const attempt = await new LockManager(open(200)).tryAcquire("k", { ttlMs: LONG_MS });
    if (!attempt.acquired) throw new Error("the lock is busy");
    const { lock } = attempt;
    await kill(1);
    await restart(1);
    signal("SIGSTOP", 2);
    const failure = await failureOf(lock.extend());
    expect(failure).to.be.instanceOf(StoreUnavailableError);
    expect([lock.isValid(), lock.signal.aborted]).to.deep.equal([true, false]);
    signal("SIGCONT", 2);
    await eventually(async () => expect(await lock.extend()).to.equal(true));
    expect(await lock.release()).to.equal("released");
  });
});
