import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import { routeLock, type LockedHandler, type RouteLockOptions } from "express-redis-suite/route-lock";
import { redisStores } from "express-redis-suite/stores";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { channels } from "express-redis-suite/telemetry";
import request, { type Response } from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { failingStore } from "../../support/failing-store.ts";
import { createGate, type Gate } from "../../support/gate.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function options(overrides: Partial<RouteLockOptions> = {}): RouteLockOptions {
  const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
  return { locks, key: (req) => `work:${String(req.query["user"])}`, ttlMs: 5000, ...overrides };
}

function appOf(handler: RequestHandler): Express {
  const app = express();
  app.post("/process", handler);
  app.use((_error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(500).end("failed");
  });
  return app;
}

const slow: LockedHandler = async (_req, res) => {
  await pause(100);
  res.send("done");
};

for (const form of ["routeLock", "routeLock.wrap"] as const) {
  const guarded = (handler: LockedHandler, overrides: Partial<RouteLockOptions> = {}): Express => {
    if (form === "routeLock.wrap") return appOf(routeLock.wrap(options(overrides), handler));
    const app = express();
    app.post("/process", routeLock(options(overrides)), handler);
    return app;
  };

  /** An app whose handler holds the lock until the gate is open. */
  const gated = (overrides: Partial<RouteLockOptions> = {}): { gate: Gate; app: Express } => {
    const gate = createGate();
    const handler: LockedHandler = async (_req, res) => {
      await gate.pass();
      res.send("done");
    };
    return { gate, app: guarded(handler, overrides) };
  };

  describe(form, () => {
    it("lets one request at a time through, and answers the others 409 with Retry-After", async () => {
      const { gate, app } = gated();
      const answers: Response[] = [];
      const all = Promise.all(
        [1, 2, 3].map(async () => void answers.push(await request(app).post("/process?user=ann"))),
      );
      await eventually(() => expect(answers).to.have.length(2));
      gate.open();
      await all;
      expect(answers.map(({ status }) => status)).to.deep.equal([409, 409, 200]);
      expect(answers[0]?.type).to.equal("application/problem+json");
      expect(Number(answers[0]?.get("Retry-After"))).to.be.within(1, 5);
    });

    it("does not let one key's work lock out another's", async () => {
      const app = guarded(slow);
      const answers = await Promise.all(
        ["ann", "bob"].map((user) => request(app).post(`/process?user=${user}`)),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200]);
    });

    it("has given the lock back before the client reads the end of the response", async () => {
      const app = guarded(async (_req, res) => {
        await pause(1);
        res.json({ done: true });
      });
      for (let sent = 0; sent < 20; sent++) {
        expect((await request(app).post("/process?user=ann")).status).to.equal(200);
      }
    });

    it("asks Redis twice for a request that gets the lock, once for one that does not", async () => {
      const app = guarded(slow);
      await request(app).post("/process?user=warm");
      const admitted = await countCommands(redis(), () => request(app).post("/process?user=ann"));
      expect(Object.fromEntries(admitted)).to.deep.equal({ evalsha: 2 });

      const { gate, app: held } = gated();
      const running = request(held).post("/process?user=ann").then();
      await gate.reached;
      const refused = await countCommands(redis(), async () => {
        expect((await request(held).post("/process?user=ann")).status).to.equal(409);
      });
      expect(Object.fromEntries(refused)).to.deep.equal({ evalsha: 1 });
      gate.open();
      await running;
    });

    it("answers 503 while the store is away, and runs unlocked where that is asked for", async () => {
      const locks = new LockManager(failingStore());
      const denied = await request(guarded(slow, { locks })).post("/process?user=ann");
      expect(denied.status).to.equal(503);
      expect(denied.get("Retry-After")).to.equal("1");
      expect(
        (await request(guarded(slow, { locks, onStoreError: "allow" })).post("/process?user=ann")).text,
      ).to.equal("done");
    });

    it("publishes what became of the lock", async () => {
      const { gate, app } = gated({ name: "work" });
      const events = await collectEvents(channels.routeLock, async () => {
        const first = request(app).post("/process?user=ann").then();
        await gate.reached;
        await request(app).post("/process?user=ann");
        gate.open();
        await first;
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["acquired", "busy", "released"]);
      expect(events.every(({ lock }) => lock === "work")).to.equal(true);
    });

    it("publishes the loss of a lock that the store no longer has when it is given back", async () => {
      const app = guarded(async (_req, res) => {
        await redis().flushdb();
        res.send("done");
      });
      const events = await collectEvents(channels.routeLock, async () => {
        expect((await request(app).post("/process?user=ann")).text).to.equal("done");
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["acquired", "lost"]);
    });

    it("publishes the release once where the handler gives the lock back itself", async () => {
      const app = guarded(async (req, res) => {
        const give = async (): Promise<unknown> => req.lock?.release();
        res.send(String(await Promise.all([give(), give()])));
      });
      const events = await collectEvents(channels.routeLock, async () => {
        expect((await request(app).post("/process?user=ann")).text).to.equal("released,released");
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["acquired", "released"]);
    });
  });
}

describe("routeLock.wrap", () => {
  it("gives the lock back when the handler throws, before the error is answered", async () => {
    const app = appOf(
      routeLock.wrap(options(), async () => {
        await pause(1);
        throw new Error("broken");
      }),
    );
    for (let sent = 0; sent < 3; sent++) {
      expect((await request(app).post("/process?user=ann")).status).to.equal(500);
    }
  });

  it("holds the lock for as long as the handler works after its client has gone", async () => {
    const gate = createGate();
    const app = appOf(
      routeLock.wrap(options(), async (_req, res) => {
        await gate.pass();
        res.end();
      }),
    );
    const server = app.listen(0);
    const gone = request(server).post("/process?user=ann");
    gone.on("error", () => {});
    gone.end(() => {});
    await gate.reached;
    gone.abort();
    await pause(50);
    expect((await request(server).post("/process?user=ann")).status).to.equal(409);
    gate.open();
    await eventually(async () => {
      expect((await request(server).post("/process?user=ann")).status).to.equal(200);
    });
    server.close();
  });

  it("sends an answer at once when the handler works on after it", async () => {
    const gate = createGate();
    const app = appOf(
      routeLock.wrap(options(), async (_req, res) => {
        res.status(202).end("accepted");
        await gate.pass();
      }),
    );
    expect((await request(app).post("/process?user=ann")).status).to.equal(202);
    expect((await request(app).post("/process?user=ann")).status).to.equal(409);
    gate.open();
  });

  it("aborts the handler's signal when the lock's time is over, and publishes the loss", async () => {
    let reason: unknown;
    const app = appOf(
      // Long enough for a busy machine to take the lock in time.
      routeLock.wrap(options({ ttlMs: 500 }), async (req, res) => {
        const signal = req.lock?.signal;
        await new Promise((resolve) => signal?.addEventListener("abort", resolve));
        reason = signal?.reason;
        res.end();
      }),
    );
    const events = await collectEvents(channels.routeLock, () => request(app).post("/process?user=ann"));
    expect(reason).to.have.property("code", "LOCK_LOST");
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["acquired", "lost"]);
  });

  it("names the option that is invalid, when it is made", () => {
    const make = (overrides: object) => () => routeLock.wrap({ ...options(), ...overrides }, slow);
    expect(make({ locks: {} })).to.throw(TypeError, "locks must be a LockManager");
    expect(make({ key: "process" })).to.throw(TypeError, "key must be a function");
    expect(make({ ttlMs: 0 })).to.throw(TypeError, "ttlMs");
    expect(make({ onStoreError: "wait" })).to.throw(TypeError, "onStoreError");
  });
});
