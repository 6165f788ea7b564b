import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { MysqlLockStore } from "express-redis-suite/stores/lock/mysql";
import type { Pool } from "mysql2/promise";
import { sharedMariadb, type MariadbServer } from "../../support/mariadb-server.ts";
import { requiresService } from "../../support/requires-service.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { describeLockStore } from "./lock-store.ts";

/** As many keys as a test holds at once, and a few more. */
const CONNECTIONS = 40;

describe("a lock store on MariaDB", () => {
  requiresService("mariadbd");
  let server: MariadbServer;
  let pools: Pool[] = [];
  let stores = new Map<string, LockStore>();
  let tests = 0;

  before(async () => {
    server = await sharedMariadb();
  });
  beforeEach(() => {
    tests += 1;
    stores = new Map();
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
  });

  describeLockStore(
    "MysqlLockStore",
    (prefix, peer = 0) => {
      const id = `${prefix}-${tests}`;
      const store = stores.get(`${id} ${peer}`) ?? open(id);
      stores.set(`${id} ${peer}`, store);
      return store;
    },
    ["clock"],
  );

  function open(prefix: string): LockStore {
    const pool = server.pool({ connectionLimit: CONNECTIONS });
    pools.push(pool);
    return new MysqlLockStore({ pool, prefix, deadlineMs: PATIENT_MS });
  }
});
