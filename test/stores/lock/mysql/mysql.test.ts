import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { StoreTimeoutError } from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MysqlLockStore } from "express-redis-suite/stores/lock/mysql";
import { channels } from "express-redis-suite/telemetry";
import type { Pool, PoolOptions } from "mysql2/promise";
import { collectEvents } from "../../../support/collect-events.ts";
import { eventually } from "../../../support/eventually.ts";
import { sharedMariadb, type MariadbServer } from "../../../support/mariadb-server.ts";
import { requiresService } from "../../../support/requires-service.ts";
import { PATIENT_MS } from "../../../support/shared-redis.ts";

const LONG_MS = 60_000;
const ASKED = { key: "k", owner: "a", ttlMs: LONG_MS };
const SESSION = "SELECT @@SESSION.wait_timeout AS seconds";

describe("MysqlLockStore", () => {
  requiresService("mariadbd");
  let server: MariadbServer;
  let pools: Pool[] = [];
  let prefix = "";
  let tests = 0;
  before(async () => {
    server = await sharedMariadb();
  });
  beforeEach(() => {
    prefix = `mysql-${(tests += 1)}`;
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });

  function poolOf(options?: PoolOptions): Pool {
    const pool = server.pool(options);
    pools.push(pool);
    return pool;
  }
  const open = (options?: PoolOptions, deadlineMs = PATIENT_MS): MysqlLockStore =>
    new MysqlLockStore({ pool: poolOf(options), prefix, deadlineMs });

  it("refuses what is no pool of promises, and options that are unknown or invalid", () => {
    const pool = poolOf();
    const make = (options: object) => (): unknown => new MysqlLockStore(options as never);
    expect(make({ pool: pool.pool, prefix })).to.throw(TypeError, "use pool.promise()");
    expect(make({ pool: {}, prefix })).to.throw(TypeError, "pool must be a Pool of mysql2/promise");
    expect(make({ prefix })).to.throw(TypeError, "pool must be a Pool of mysql2/promise");
    expect(make({ pool, prefix: "*" })).to.throw(TypeError, "prefix must be");
    expect(make({ pool, prefix, deadlineMs: 0 })).to.throw(TypeError, "deadlineMs");
    expect(make({ client: pool, prefix })).to.throw(TypeError, 'unknown option "client"; use "pool"');
  });

  it("says what it does not have", async () => {
    const store = open();
    const words = "MysqlLockStore does not have fencing tokens";
    expect(() => new LockManager(store, { requires: ["fencing"] })).to.throw(TypeError, words);
    for (const limit of [2, Infinity]) {
      const failure: unknown = await store.acquire({ ...ASKED, limit }).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError);
      expect(String(failure)).to.include("does not have more than one holder of a key");
    }
  });

  it("reads the server's clock, whatever the session's time zone", async () => {
    const pool = poolOf({ connectionLimit: 1 });
    await pool.query("SET SESSION time_zone = '+13:00'");
    const { aheadMs } = await new LockManager(new MysqlLockStore({ pool, prefix })).checkClock();
    expect(aheadMs).to.be.within(-PATIENT_MS, PATIENT_MS);
  });

  it("works with a pool that is set up to give rows in other ways", async () => {
    const store = open({
      rowsAsArray: true,
      typeCast: false,
      namedPlaceholders: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    expect(await store.acquire(ASKED)).to.deep.equal({ acquired: true });
    expect(await store.extend("k", "a", 2 * LONG_MS)).to.equal(true);
    expect(await store.release("k", "a")).to.equal("released");
  });

  it("gives a connection back as it was, after a release, a refusal and the end of a lock's time", async () => {
    const pool = poolOf({ connectionLimit: 1 });
    await pool.query("SET SESSION wait_timeout = 1234");
    const store = new MysqlLockStore({ pool, prefix, deadlineMs: PATIENT_MS });
    const other = open();
    const sameAsBefore = async (): Promise<void> => {
      expect((await pool.query(SESSION))[0]).to.deep.equal([{ seconds: 1234 }]);
    };

    await store.acquire(ASKED);
    expect(await store.release("k", "a")).to.equal("released");
    await sameAsBefore();
    await other.acquire(ASKED);
    expect((await store.acquire({ ...ASKED, owner: "b" })).acquired).to.equal(false);
    await sameAsBefore();
    await store.acquire({ key: "short", owner: "a", ttlMs: 20 });
    await sameAsBefore();
    expect((await other.acquire({ ...ASKED, key: "short" })).acquired).to.equal(true);
  });

  it("rejects within its deadline while the pool has no connection, and asks it for no more than one", async () => {
    const pool = poolOf({ connectionLimit: 2 });
    let enqueued = 0;
    pool.on("enqueue", () => (enqueued += 1));
    const patient = new MysqlLockStore({ pool, prefix, deadlineMs: PATIENT_MS });
    const store = new MysqlLockStore({ pool, prefix, deadlineMs: 5 });
    for (const key of ["first", "second"]) await patient.acquire({ ...ASKED, key });
    for (let round = 0; round < 100; round++) {
      const failure: unknown = await store.acquire(ASKED).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(StoreTimeoutError);
    }
    expect(enqueued).to.equal(1);
    await Promise.all(["first", "second"].map((key) => patient.release(key, "a")));
    const free = await Promise.all([pool.getConnection(), pool.getConnection()]);
    for (const connection of free) connection.release();
  });

  it("notices that the connection of a lock was killed", async () => {
    const pool = poolOf({ connectionLimit: 1 });
    const id = (await pool.getConnection().then((connection) => (connection.release(), connection))).threadId;
    const store = new MysqlLockStore({ pool, prefix, deadlineMs: PATIENT_MS });
    const other = open();
    await store.acquire(ASKED);
    await poolOf().query(`KILL ${id}`);
    await eventually(async () =>
      expect((await other.acquire({ ...ASKED, owner: "b" })).acquired).to.equal(true),
    );
    expect(await store.extend("k", "a", LONG_MS)).to.equal(false);
    expect(await store.release("k", "a")).to.equal("taken");
    await other.release("k", "b");
    expect(await store.release("k", "a")).to.equal("expired");
    expect((await store.acquire(ASKED)).acquired).to.equal(true);
  });

  it("keeps the connection of a lock open for as long as the lock was extended", async () => {
    const store = open();
    // The server closes it after two idle seconds.
    await store.acquire({ ...ASKED, ttlMs: 500 });
    expect(await store.extend("k", "a", LONG_MS)).to.equal(true);
    await pause(2700);
    expect(await store.extend("k", "a", LONG_MS)).to.equal(true);
  });

  it("serves those who wait in other processes, and says of their locks that it does not know how long", async () => {
    const [here, there]: LockStore[] = [open(), open()];
    const lock = await new LockManager(here as LockStore).acquire("k", { ttlMs: LONG_MS });
    const manager = new LockManager(there as LockStore);
    expect(await manager.tryAcquire("k", { ttlMs: LONG_MS })).to.deep.equal({
      acquired: false,
      retryAfterMs: 0,
    });
    expect(await manager.inspect("k")).to.deep.equal({
      holders: [{ limit: 1, expiresInMs: undefined, fence: undefined }],
      waiting: 0,
    });
    const waited = manager.acquire("k", { ttlMs: LONG_MS, waitMs: LONG_MS });
    expect(await lock.release()).to.equal("released");
    expect(await (await waited).release()).to.equal("released");
  });

  it("publishes one event per operation, without names", async () => {
    const store = open();
    const events = await collectEvents(channels.store, async () => {
      await store.acquire(ASKED);
      await store.extend("k", "a", LONG_MS);
      await store.inspect("k");
      await store.release("k", "a");
      await pools[0]?.end();
      await store.acquire(ASKED).catch(() => {});
    });
    pools = [];
    const told = events.map(({ operation, outcome, code }) => [operation, outcome, code].join(" "));
    expect(told).to.deep.equal([
      "acquire ok ",
      "extend ok ",
      "inspect ok ",
      "release ok ",
      "acquire error STORE_UNAVAILABLE",
    ]);
  });
});
