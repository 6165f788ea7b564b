import { expect } from "chai";
import { StoreTimeoutError } from "express-redis-suite/stores/errors";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MysqlLockStore } from "express-redis-suite/stores/lock/mysql";
import type { Pool } from "mysql2/promise";
import { eventually } from "../support/eventually.ts";
import { startMariadbServer, type MariadbServer } from "../support/mariadb-server.ts";
import { requiresService } from "../support/requires-service.ts";
import { PATIENT_MS } from "../support/shared-redis.ts";

const LONG_MS = 60_000;
const CONNECTIONS = 5;
const ASKED = { key: "k", owner: "a", ttlMs: LONG_MS };

describe("locks on a MariaDB that fails", () => {
  requiresService("mariadbd");
  let server: MariadbServer;
  let pool: Pool;
  let store: MysqlLockStore;
  /** For questions to a server that does not answer. */
  let hasty: MysqlLockStore;

  beforeEach(async () => {
    server = await startMariadbServer();
    pool = server.pool({ connectionLimit: CONNECTIONS });
    store = new MysqlLockStore({ pool, prefix: "locks", deadlineMs: PATIENT_MS });
    hasty = new MysqlLockStore({ pool, prefix: "locks", deadlineMs: 250 });
  });
  afterEach(async () => {
    await server.stop();
    await pool.end();
  });

  const failureOf = (answer: Promise<unknown>): Promise<unknown> =>
    answer.then(
      () => undefined,
      (error: unknown) => error,
    );

  /** The threads of a server that is told to stop may still answer for a moment. */
  async function freeze(): Promise<void> {
    server.signal("SIGSTOP");
    await eventually(async () => expect(await failureOf(hasty.now())).to.be.instanceOf(StoreTimeoutError));
  }

  async function holdAll(): Promise<void> {
    const keys = Array.from({ length: CONNECTIONS }, (_, at) => `key ${at}`);
    await eventually(async () => {
      const held = await Promise.all(keys.map((key) => store.acquire({ ...ASKED, key })));
      expect(held.every(({ acquired }) => acquired)).to.equal(true);
    });
    await Promise.all(keys.map((key) => store.release(key, "a")));
  }

  it("are lost with a server that is killed, and can be taken again once it is back", async () => {
    const { port } = server;
    const lock = await new LockManager(store).acquire("k", { ttlMs: LONG_MS });
    await server.stop();
    await eventually(async () => expect(await lock.extend()).to.equal(false));
    expect(lock.signal.aborted).to.equal(true);
    const codes = ["STORE_TIMEOUT", "STORE_UNAVAILABLE"];
    for (let round = 0; round < 20; round++) {
      const failure = await failureOf(hasty.acquire(ASKED));
      expect(failure).to.have.property("code").that.is.oneOf(codes);
      expect(String(failure)).to.not.match(/SELECT|GET_LOCK|[0-9a-f]{64}/);
      expect(failure).to.have.property("status", 503);
    }
    server = await startMariadbServer(port);
    await holdAll();
  });

  it("outlast a freeze of the server, during which nobody waits longer than the deadline", async () => {
    await store.acquire(ASKED);
    await eventually(() => hasty.acquire({ ...ASKED, key: "hasty" }));
    await freeze();
    const failures = await Promise.all([
      failureOf(hasty.extend("hasty", "a", 2 * LONG_MS)),
      ...Array.from({ length: 20 }, (_, at) => failureOf(hasty.acquire({ ...ASKED, key: `other ${at}` }))),
      failureOf(hasty.inspect("other")),
      failureOf(hasty.now()),
    ]);
    for (const failure of failures) expect(failure).to.be.instanceOf(StoreTimeoutError);
    server.signal("SIGCONT");
    expect(await store.extend("k", "a", LONG_MS)).to.equal(true);
    await eventually(async () => expect(await hasty.extend("hasty", "a", LONG_MS)).to.equal(true));
    expect(await store.release("k", "a")).to.equal("released");
    await eventually(async () => expect(await hasty.release("hasty", "a")).to.not.equal("taken"));
    await holdAll();
  });

  it("that could not be given back to a frozen server are free once it goes on", async () => {
    await eventually(() => hasty.acquire(ASKED));
    await freeze();
    expect(await failureOf(hasty.release("k", "a"))).to.be.instanceOf(StoreTimeoutError);
    server.signal("SIGCONT");
    await eventually(async () =>
      expect((await store.acquire({ ...ASKED, owner: "b" })).acquired).to.equal(true),
    );
    await store.release("k", "b");
    await holdAll();
  });

  it("that a frozen server gave after the deadline are not kept", async () => {
    const ready = await Promise.all([pool.getConnection(), pool.getConnection()]);
    for (const connection of ready) connection.release();
    await freeze();
    expect(await failureOf(hasty.acquire(ASKED))).to.be.instanceOf(StoreTimeoutError);
    server.signal("SIGCONT");
    await eventually(async () =>
      expect((await store.acquire({ ...ASKED, owner: "b" })).acquired).to.equal(true),
    );
    await store.release("k", "b");
    await holdAll();
  });
});
