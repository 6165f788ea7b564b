import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MysqlLockStore } from "express-redis-suite/stores/lock/mysql";
import { createPool } from "mysql2/promise";

/** Holds the lock `k` for as long as it is told to; then says `held`, and for each message whether it still is. */
const [port, prefix = "", ttlMs] = process.argv.slice(2);
const pool = createPool({ host: "127.0.0.1", port: Number(port), user: "root" });
const locks = new LockManager(new MysqlLockStore({ pool, prefix, deadlineMs: 5000 }));
const attempt = await locks.tryAcquire("k", { ttlMs: Number(ttlMs) });
if (!attempt.acquired) throw new Error("somebody else holds the lock");
const { lock } = attempt;
process.on("message", () => process.send?.(lock.isValid() ? "held" : "lost"));
process.send?.("held");
