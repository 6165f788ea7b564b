import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import express from "express";
import { routeLock } from "express-redis-suite/route-lock";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { serve } from "../rate-limit/served-app.ts";

const LONG_MS = 60_000;

describe("routeLock, work that must not begin", () => {
  it("is refused where one of several locks was over before the last was given, also with onStoreError allow", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const options = {
      locks,
      ttlMs: 40,
      waitMs: LONG_MS,
      key: () => ["a", "b"],
      onStoreError: "allow",
    } as const;
    const app = express().post("/", routeLock(options), (_req, res) => void res.send("ran"));
    await locks.acquire("b", { ttlMs: 150 });
    const answer = await request(app).post("/");
    expect([answer.status, answer.type]).to.deep.equal([503, "application/problem+json"]);
    expect((await locks.inspect("b")).holders).to.deep.equal([]);
  });

  it("does not wait in line for a client that was gone before", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const first = await locks.acquire("a", { ttlMs: LONG_MS });
    let ran = false;
    let isAsked = false;
    const app = express();
    app.use(async (_req, res, next) => {
      isAsked = true;
      await once(res, "close");
      next();
    });
    const options = { locks, ttlMs: LONG_MS, waitMs: LONG_MS, key: () => "a" };
    app.post("/", routeLock(options), (_req, res) => {
      ran = true;
      res.end();
    });
    const served = await serve(app);
    try {
      const sent = served.send("/", { method: "POST" });
      await eventually(() => expect(isAsked).to.equal(true));
      sent.destroy();
      await pause(50);
      expect((await locks.inspect("a")).waiting).to.equal(0);
      await first.release();
      await pause(20);
      expect(ran).to.equal(false);
    } finally {
      await served.stop();
    }
  });
});
