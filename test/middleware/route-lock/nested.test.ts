import { expect } from "chai";
import express, { type RequestHandler } from "express";
import request from "supertest";
import { routeLock } from "express-redis-suite/route-lock";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";

const LONG_MS = 60_000;

describe("routeLock within another", () => {
  const open = (): { outer: RequestHandler; lock: (handler: RequestHandler) => RequestHandler } => {
    const locks = new LockManager(new MemoryLockStore());
    const optionsOf = (key: string) => ({ locks, key: () => key, ttlMs: LONG_MS });
    return {
      outer: routeLock(optionsOf("outer")) as RequestHandler,
      lock: (handler) => routeLock.wrap(optionsOf("inner"), handler) as RequestHandler,
    };
  };

  it("shows its own lock to its handler, and the outer one again to what runs after it", async () => {
    const { outer, lock } = open();
    const seen: string[] = [];
    const failing = lock(async (req) => {
      seen.push(String(req.lock?.key));
      throw new Error("of the handler");
    });
    const app = express();
    app.get("/", outer, failing);
    app.use(((_error, req, res, _next) => {
      seen.push(`${req.lock?.key} ${req.lock?.isValid()}`);
      res.send("told");
    }) as express.ErrorRequestHandler);
    await request(app).get("/").expect(200, "told");
    expect(seen).to.deep.equal(["inner", "outer true"]);
  });

  it("leaves a lock that was given back where there is no outer one, so that whoever asserts it is told", async () => {
    const { lock } = open();
    const app = express();
    const failing = lock(async () => {
      throw new Error("of the handler");
    });
    app.get("/", failing);
    app.use(((_error, req, res, _next) => {
      res.send(`${req.lock?.key} ${req.lock?.isValid()}`);
    }) as express.ErrorRequestHandler);
    await request(app).get("/").expect(200, "inner false");
  });
});
