import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import { routeLock, type RouteLockOptions } from "express-redis-suite/route-lock";
import { redisStores } from "express-redis-suite/stores";
import type { LockFeature } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { createGate, type Gate } from "../../support/gate.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;

for (const form of ["routeLock", "routeLock.wrap"] as const) {
  const appOf = (handler: RequestHandler, overrides: Partial<RouteLockOptions>): Express => {
    const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    const options = { locks, key: () => "work", ttlMs: LONG_MS, ...overrides };
    const locked = form === "routeLock" ? [routeLock(options), handler] : [routeLock.wrap(options, handler)];
    return express().all("/", ...locked);
  };

  describe(`${form}, its modes`, () => {
    const meeting = (overrides: Partial<RouteLockOptions>): { app: Express; gate: Gate } => {
      const gate = createGate();
      const handler: RequestHandler = async (_req, res) => {
        await gate.pass();
        res.send("done");
      };
      return { gate, app: appOf(handler, overrides) };
    };

    it("lets those that share run together, and refuses whoever wants the key alone", async () => {
      const { gate, app } = meeting({ mode: "read-write" });
      const reads = [request(app).get("/").then()];
      await gate.reached;
      reads.push(request(app).get("/").then(), request(app).options("/").then());
      expect((await request(app).post("/")).status).to.equal(409);
      gate.open();
      expect((await Promise.all(reads)).map(({ status }) => status)).to.deep.equal([200, 200, 200]);
      expect((await request(app).post("/")).status).to.equal(200);
    });

    it("names the store that cannot share", () => {
      class AloneStore extends MemoryLockStore {
        override readonly features: ReadonlySet<LockFeature> = new Set();
      }
      const locks = new LockManager(new AloneStore());
      expect(() => appOf((_req, res) => void res.end(), { locks, mode: "read-write" })).to.throw(
        TypeError,
        'routeLock: mode "read-write": AloneStore does not have more than one holder of a key (shared locks',
      );
    });

    it("shares whatever the method is, where that is asked for", async () => {
      const { gate, app } = meeting({ mode: "shared" });
      const first = request(app).post("/").then();
      await gate.reached;
      const second = request(app).post("/").then();
      gate.open();
      expect([(await first).status, (await second).status]).to.deep.equal([200, 200]);
    });

    it("takes several keys, all or none", async () => {
      const { gate, app } = meeting({ key: (req) => String(req.query["keys"]).split(",") });
      const first = request(app).post("/?keys=b,a").then();
      await gate.reached;
      expect((await request(app).post("/?keys=c,b")).status).to.equal(409);
      gate.open();
      expect((await request(app).post("/?keys=c")).status).to.equal(200);
      expect((await first).status).to.equal(200);
      expect((await request(app).post("/?keys=a,b,c")).status).to.equal(200);
    });

    for (const keys of [[], ["a", 1], [undefined]]) {
      it(`hands Express a TypeError for the keys ${JSON.stringify(keys)}`, async () => {
        const { app } = meeting({ key: () => keys as string[] });
        app.use(((error, _req, res, _next) => {
          res.status(500).send(String(error));
        }) as express.ErrorRequestHandler);
        const answer = await request(app).post("/");
        expect([answer.status, answer.text.split(":", 2).join(":")]).to.deep.equal([
          500,
          "TypeError: routeLock",
        ]);
      });
    }
  });

  describe(`${form}, a lock that is lost`, () => {
    it("answers 503 where the handler has not answered, and hides what it says later", async () => {
      const late: unknown[] = [];
      const app = appOf(
        async (req, res) => {
          await eventually(() => expect(req.lock?.signal.aborted).to.equal(true));
          try {
            res.json({ done: true });
          } catch (error) {
            late.push(error);
          }
        },
        { ttlMs: 500 },
      );
      const answer = await request(app).post("/");
      expect([answer.status, answer.type]).to.deep.equal([503, "application/problem+json"]);
      await eventually(() => expect(late).to.have.length(1));
    });

    it("cuts the connection where an answer has begun", async () => {
      const app = appOf(
        async (_req, res) => {
          res.write("half of it");
          await new Promise((resolve) => res.once("close", resolve));
        },
        { ttlMs: 500 },
      );
      const failure: unknown = await request(app)
        .post("/")
        .catch((error: unknown) => error);
      expect(failure).to.have.property("code", "ECONNRESET");
    });

    it("leaves an answer alone that was given in time", async () => {
      const app = appOf(
        async (req, res) => {
          res.send("done");
          // The plain form has given the lock back with the answer.
          if (form === "routeLock.wrap") {
            await eventually(() => expect(req.lock?.signal.aborted).to.equal(true));
          }
        },
        { ttlMs: 500 },
      );
      const answer = await request(app).post("/");
      expect([answer.status, answer.text]).to.deep.equal([200, "done"]);
    });
  });

  describe(`${form}, its lock in the handler`, () => {
    it("carries a fence that rises, and is given once more to code that asks for it inside", async () => {
      const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
      const app = appOf(
        async (req, res) => {
          const inside = await locks.using("work", { ttlMs: 1000 }, (lock) => lock.fence);
          res.json([req.lock?.fence, inside]);
        },
        { locks },
      );
      const fences: number[] = [];
      for (let turn = 0; turn < 3; turn++) {
        const [fence, inside] = (await request(app).post("/")).body as [number, number];
        expect(inside).to.equal(fence);
        fences.push(fence);
      }
      expect(fences).to.deep.equal([...new Set(fences)].toSorted((a, b) => a - b));
    });
  });
}
