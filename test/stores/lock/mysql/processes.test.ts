import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { MysqlLockStore } from "express-redis-suite/stores/lock/mysql";
import { eventually } from "../../../support/eventually.ts";
import { sharedMariadb } from "../../../support/mariadb-server.ts";
import { requiresService } from "../../../support/requires-service.ts";
import { PATIENT_MS } from "../../../support/shared-redis.ts";
import type { Pool } from "mysql2/promise";

const LONG_MS = 60_000;
const script = fileURLToPath(new URL("holder-process.ts", import.meta.url));

describe("a lock on MariaDB whose process", () => {
  requiresService("mariadbd");
  let pool: Pool;
  let holder: ChildProcess;
  before(async () => {
    pool = (await sharedMariadb()).pool();
  });
  after(() => pool?.end());
  afterEach(async () => {
    if (holder.exitCode !== null || holder.signalCode !== null) return;
    const ended = once(holder, "exit");
    holder.kill("SIGKILL");
    await ended;
  });

  async function hold(prefix: string, ttlMs: number): Promise<MysqlLockStore> {
    const { port } = await sharedMariadb();
    holder = fork(script, [String(port), prefix, String(ttlMs)]);
    expect(await once(holder, "message")).to.have.property("0", "held");
    return new MysqlLockStore({ pool, prefix, deadlineMs: PATIENT_MS });
  }
  const isFreeTo = async (store: MysqlLockStore): Promise<boolean> =>
    (await store.acquire({ key: "k", owner: "next", ttlMs: LONG_MS })).acquired;

  it("dies is free at once, long before its time", async () => {
    const store = await hold("killed", LONG_MS);
    expect(await isFreeTo(store)).to.equal(false);
    holder.kill("SIGKILL");
    await eventually(async () => expect(await isFreeTo(store)).to.equal(true));
    await store.release("k", "next");
  });

  it("stands still is free soon after its time, and lost to that process when it goes on", async () => {
    const store = await hold("frozen", 900);
    holder.kill("SIGSTOP");
    expect(await isFreeTo(store)).to.equal(false);
    await eventually(async () => expect(await isFreeTo(store)).to.equal(true));
    holder.kill("SIGCONT");
    const answered = once(holder, "message");
    holder.send("still?");
    expect(await answered).to.have.property("0", "lost");
    expect(await isFreeTo(store), "its owner has it still").to.equal(true);
    await store.release("k", "next");
  });
});
