import { expect } from "chai";
import express from "express";
import request from "supertest";
import { routeLock } from "express-redis-suite/route-lock";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { locksWith } from "./lock-store-at-will.ts";

const TTL_MS = 60_000;
const WORK_MS = 30_000;

describe("the Retry-After of a routeLock", () => {
  const own = performance.now;
  let passedMs = 0;
  beforeEach(() => {
    passedMs = 0;
    performance.now = () => own.call(performance) + passedMs;
  });
  afterEach(() => {
    performance.now = own;
  });

  it("learns nothing from a request that another layer has answered before the work began", async () => {
    const memory = new MemoryLockStore();
    let isBusy = false;
    const { locks } = locksWith({
      acquire: (asked) =>
        isBusy ? Promise.resolve({ acquired: false, retryAfterMs: TTL_MS }) : memory.acquire(asked),
      release: (...args) => memory.release(...args),
    });
    const app = express();
    app.use((req, res, next) => {
      next();
      // A timeout, while the store is asked.
      if (req.path === "/answered") res.status(504).end();
    });
    app.use(
      routeLock.wrap({ locks, key: () => "k", ttlMs: TTL_MS }, async (_req, res) => {
        passedMs += WORK_MS;
        res.end();
      }),
    );
    await request(app).post("/").expect(200);
    for (let times = 0; times < 5; times++) await request(app).post("/answered").expect(504);
    isBusy = true;
    const refused = await request(app).post("/").expect(409);
    expect(Number(refused.get("Retry-After"))).to.be.at.least(WORK_MS / 1000);
  });
});
