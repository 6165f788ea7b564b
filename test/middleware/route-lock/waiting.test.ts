import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import { routeLock, type RouteLockOptions } from "express-redis-suite/route-lock";
import { redisStores } from "express-redis-suite/stores";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { serve } from "../rate-limit/served-app.ts";

const LONG_MS = 60_000;

describe("routeLock, several keys that are waited for", () => {
  it("does not run unlocked where the first ends before the last is free, though it may without the store", async () => {
    const locks = new LockManager(new MemoryLockStore());
    await locks.tryAcquire("b", { ttlMs: 150 });
    let runs = 0;
    const options = { locks, key: () => ["a", "b"], ttlMs: 50, waitMs: LONG_MS } as const;
    const app = express().post("/", routeLock({ ...options, onStoreError: "allow" }), (_req, res) => {
      runs++;
      res.end();
    });
    const events = await collectEvents(channels.routeLock, async () => {
      const answer = await request(app).post("/");
      expect([answer.status, answer.type]).to.deep.equal([503, "application/problem+json"]);
    });
    expect(runs).to.equal(0);
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["lost"]);
  });
});

for (const form of ["routeLock", "routeLock.wrap"] as const) {
  const appOf = (handler: RequestHandler, overrides: Partial<RouteLockOptions>): Express => {
    const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    const options = { locks, key: () => "work", ttlMs: LONG_MS, waitMs: LONG_MS, ...overrides };
    const locked = form === "routeLock" ? [routeLock(options), handler] : [routeLock.wrap(options, handler)];
    return express().all("/", ...locked);
  };

  describe(`${form}, requests that wait`, () => {
    it("runs them one after the other, in the order in which they came", async () => {
      const order: string[] = [];
      let running = 0;
      let most = 0;
      const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
      const gate = createGate();
      const app = appOf(
        async (req, res) => {
          most = Math.max(most, ++running);
          if (order.push(String(req.query["n"])) === 1) await gate.pass();
          running--;
          res.send("done");
        },
        { locks },
      );
      const sent = [request(app).post("/?n=0").then()];
      await gate.reached;
      for (let n = 1; n < 8; n++) {
        const came = createGate();
        const acquire = locks.acquire.bind(locks);
        locks.acquire = (...args) => {
          void came.pass();
          return acquire(...args);
        };
        sent.push(request(app).post(`/?n=${n}`).then());
        await came.reached;
        came.open();
      }
      gate.open();
      const answers = await Promise.all(sent);
      expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 8 }, () => 200));
      expect([order, most]).to.deep.equal([["0", "1", "2", "3", "4", "5", "6", "7"], 1]);
    });

    it("refuses one that has waited for as long as it may, with the status asked for", async () => {
      const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
      const first = await locks.acquire("work", { ttlMs: LONG_MS });
      const app = appOf((_req, res) => void res.send("done"), { locks, waitMs: 30, onBusy: 423 });
      const events = await collectEvents(channels.routeLock, async () => {
        const answer = await request(app).post("/");
        expect([answer.status, answer.type, answer.body]).to.deep.equal([
          423,
          "application/problem+json",
          { type: "about:blank", title: "Locked", status: 423, detail: "The same work is still running." },
        ]);
        expect(Number(answer.get("Retry-After"))).to.be.within(1, LONG_MS / 1000);
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["busy"]);
      await first.release();
    });

    it("answers 503 where too many wait", async () => {
      const locks = new LockManager(new MemoryLockStore(), { maxWaiting: 1 });
      const gate = createGate();
      const app = appOf(
        async (_req, res) => {
          await gate.pass();
          res.send("done");
        },
        { locks },
      );
      const served = [request(app).post("/").then()];
      await gate.reached;
      served.push(request(app).post("/").then());
      await eventually(async () => expect((await locks.inspect("work")).waiting).to.equal(1));
      const events = await collectEvents(channels.routeLock, async () => {
        const refused = await request(app).post("/");
        expect([refused.status, refused.get("Retry-After")]).to.deep.equal([503, "1"]);
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["queue-full"]);
      gate.open();
      expect((await Promise.all(served)).map(({ status }) => status)).to.deep.equal([200, 200]);
    });

    it("forgets one whose client has left, and does not begin its work", async () => {
      const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
      const gate = createGate();
      const ran: string[] = [];
      const app = appOf(
        async (req, res) => {
          if (ran.push(String(req.query["n"])) === 1) await gate.pass();
          res.send("done");
        },
        { locks },
      );
      const server = await serve(app);
      try {
        const events = await collectEvents(channels.routeLock, async () => {
          server.send("/?n=1");
          await gate.reached;
          const left = server.send("/?n=2");
          await eventually(async () => expect((await locks.inspect("work")).waiting).to.equal(1));
          server.send("/?n=3");
          left.destroy();
          // The third has taken its place.
          await eventually(async () => expect((await locks.inspect("work")).waiting).to.equal(1));
          gate.open();
          await eventually(() => expect(ran).to.include("3"));
          await eventually(async () => expect((await locks.inspect("work")).holders).to.deep.equal([]));
        });
        expect(ran).to.deep.equal(["1", "3"]);
        expect(events.map(({ outcome }) => outcome)).to.include("left");
      } finally {
        await server.stop();
      }
    });

    it("costs two commands where nobody is in the way", async () => {
      const app = appOf((_req, res) => void res.send("done"), {});
      await request(app).post("/");
      const commands = await countCommands(redis(), () => request(app).post("/"));
      expect(Object.fromEntries(commands)).to.deep.equal({ evalsha: 2 });
    });
  });
}
