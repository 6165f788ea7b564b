import { expect } from "chai";
import compression from "compression";
import type { RequestHandler } from "express";
import expressSession from "express-session";
import { idempotency } from "express-redis-suite/idempotency";
import { perMinute, rateLimit } from "express-redis-suite/rate-limit";
import { responseCache } from "express-redis-suite/response-cache";
import { routeLock } from "express-redis-suite/route-lock";
import { session } from "express-redis-suite/session";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import request from "supertest";
import { createGate } from "../../support/gate.ts";
import { idempotentApp, type AppOptions } from "./idempotent-app.ts";

const TEXT = "goal ".repeat(1000);

/** Each layer anew, with a store of its own. */
const layers: Record<string, () => RequestHandler> = {
  "a route lock": () =>
    routeLock({ locks: new LockManager(new MemoryLockStore()), key: () => "k", ttlMs: 60_000 }),
  "a response cache": () => responseCache({ store: new MemoryCacheStore(), ttlMs: 1000 }),
  "a session": () => {
    const sessions = session({ store: new expressSession.MemoryStore(), secret: "of these tests" });
    return (req, res, next) =>
      void sessions(req, res, (error?: unknown) => {
        if (error === undefined) Object.assign(req.session, { seen: true });
        next(error);
      });
  },
  "a limiter": () =>
    rateLimit({ store: new MemoryRateLimitStore(), policies: [perMinute(100)], key: () => "k" }),
  compression: () => compression({ threshold: 0 }),
  "one of another scope": () => idempotency({ store: new MemoryIdempotencyStore(), scope: () => "other" }),
};

const places: Record<string, (layer: RequestHandler) => AppOptions> = {
  "in front": (layer) => ({ before: [layer] }),
  behind: (layer) => ({ after: [layer] }),
};

for (const [name, make] of Object.entries(layers)) {
  for (const [place, optionsOf] of Object.entries(places)) {
    describe(`idempotency with ${name} ${place}`, () => {
      for (const [what, send] of Object.entries({
        "in one piece": (res) => void res.status(201).set("X-Own", "1").send(TEXT),
        "in parts": (res) => {
          res.writeHead(201, { "Content-Type": "text/plain", "X-Own": "1" });
          for (let part = 0; part < 1000; part += 1) res.write("goal ");
          res.end();
        },
      } satisfies Record<string, (res: Parameters<RequestHandler>[1]) => void>)) {
        it(`gives a retry the answer that was sent ${what}`, async () => {
          const { post, runs } = idempotentApp((_req, res) => send(res), optionsOf(make()));
          const [first, retry] = [await post('"a"'), await post('"a"')];
          for (const answer of [first, retry]) {
            expect([answer.status, answer.text, answer.get("X-Own")]).to.deep.equal([201, TEXT, "1"]);
          }
          expect([retry.get("Idempotency-Replayed"), runs()]).to.deep.equal(["true", 1]);
        });
      }

      it("frees the key after an error, and runs the retry", async () => {
        let sound = false;
        const handler: RequestHandler = (_req, res) => {
          if (!sound) throw new Error("broken");
          res.send(TEXT);
        };
        const { post, runs } = idempotentApp(handler, optionsOf(make()));
        expect((await post('"a"')).status).to.equal(500);
        sound = true;
        expect([(await post('"a"')).text, (await post('"a"')).text, runs()]).to.deep.equal([TEXT, TEXT, 2]);
      });

      it("runs the work once for ten at the same time", async () => {
        const gate = createGate();
        const { post, runs } = idempotentApp(async (_req, res) => {
          await gate.pass();
          res.send(TEXT);
        }, optionsOf(make()));
        const asked = Array.from({ length: 10 }, () => post('"a"'));
        await gate.reached;
        gate.open();
        for (const { status, text } of await Promise.all(asked)) {
          if (status === 200) expect(text).to.equal(TEXT);
          else expect(status).to.equal(409);
        }
        expect(runs()).to.equal(1);
      });
    });
  }
}

describe("idempotency among other layers", () => {
  it("lets a session in front say whose a key is", async () => {
    const sessions = session({ store: new expressSession.MemoryStore(), secret: "of these tests" });
    const { app, runs } = idempotentApp(undefined, {
      scope: (req) => req.session.id,
      before: [
        sessions,
        (req, _res, next) => {
          Object.assign(req.session, { seen: true });
          next();
        },
      ],
    });
    const [ann, bob] = [request.agent(app), request.agent(app)];
    for (const agent of [ann, bob]) await agent.get("/orders");
    const numbers: unknown[] = [];
    for (const agent of [ann, bob, ann, bob]) {
      numbers.push((await agent.post("/orders").set("Idempotency-Key", "a")).body.run);
    }
    expect([numbers, runs()]).to.deep.equal([[3, 4, 3, 4], 4]);
  });

  it("does not keep the refusal of a limiter behind it", async () => {
    const limiter = rateLimit({
      store: new MemoryRateLimitStore(),
      policies: [perMinute(1)],
      key: (req) => String(req.get("X-Limited")),
    });
    const { app, runs } = idempotentApp(undefined, { after: [limiter] });
    const send = (key: string, limited: string): request.Test =>
      request(app).post("/orders").set({ "Idempotency-Key": key, "X-Limited": limited });
    await send("a", "1").expect(201);
    await send("b", "1").expect(429);
    await send("b", "2").expect(201);
    expect(runs()).to.equal(2);
  });

  it("does not keep the refusal of a route lock behind it", async () => {
    const gate = createGate();
    const lock = routeLock({ locks: new LockManager(new MemoryLockStore()), key: () => "k", ttlMs: 60_000 });
    const handler: RequestHandler = async (_req, res) => {
      await gate.pass();
      res.send("done");
    };
    const { post, runs } = idempotentApp(handler, { after: [lock] });
    const first = post('"a"');
    await gate.reached;
    expect((await post('"b"')).status).to.equal(409);
    gate.open();
    await first;
    expect([(await post('"b"')).text, runs()]).to.deep.equal(["done", 2]);
  });

  it("keeps what the handler made with compression in front, so that each client gets its own coding", async () => {
    const { app } = idempotentApp((_req, res) => void res.send(TEXT), {
      before: [compression({ threshold: 0 })],
    });
    const send = (coding: string): request.Test =>
      request(app).post("/orders").set({ "Idempotency-Key": "a", "Accept-Encoding": coding });
    const codings = [await send("gzip"), await send("gzip"), await send("identity"), await send("deflate")];
    expect(codings.map((answer) => answer.get("Content-Encoding"))).to.deep.equal([
      "gzip",
      "gzip",
      undefined,
      "deflate",
    ]);
    for (const { text } of codings) expect(text).to.equal(TEXT);
  });
});
