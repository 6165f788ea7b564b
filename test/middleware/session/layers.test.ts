import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "chai";
import compression from "compression";
import type { RequestHandler, Response } from "express";
import helmet from "helmet";
import { MemoryStore } from "express-session";
import { idempotency } from "express-redis-suite/idempotency";
import { perMinute, rateLimit } from "express-redis-suite/rate-limit";
import { responseCache } from "express-redis-suite/response-cache";
import { routeLock } from "express-redis-suite/route-lock";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import request from "supertest";
import { createGate } from "../../support/gate.ts";
import { cookieOf, count, CountingStore, sessionApp } from "./session-app.ts";

const TEXT = "goal ".repeat(1000);

const layers: Record<string, () => RequestHandler> = {
  compression: () => compression({ threshold: 0 }),
  helmet: () => helmet(),
  rateLimit: () =>
    rateLimit({ store: new MemoryRateLimitStore(), policies: [perMinute(100)], key: () => "k" }),
  responseCache: () => responseCache({ store: new MemoryCacheStore(), ttlMs: 1000 }),
  routeLock: () =>
    routeLock({ locks: new LockManager(new MemoryLockStore()), key: () => "k", ttlMs: 60_000 }),
  idempotency: () => idempotency({ store: new MemoryIdempotencyStore(), scope: () => "" }),
  "a timeout": () => (_req, res, next) => {
    const timer = setTimeout(() => res.headersSent || res.status(504).send("too slow"), 20_000);
    res.once("close", () => clearTimeout(timer));
    next();
  },
};

/** Counts with each answer's head how often that was made. */
const seeHeads: RequestHandler = (_req, res, next) => {
  let heads = 0;
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => typeof res;
  res.writeHead = ((...args: unknown[]) => {
    heads += 1;
    res.setHeader("X-Heads", heads);
    return writeHead(...args);
  }) as typeof res.writeHead;
  next();
};

const WAYS: Record<string, RequestHandler> = {
  "in one piece": (_req, res) => void res.status(201).set("X-Own", "1").send(TEXT),
  "in parts": (_req, res) => {
    res.writeHead(201, { "Content-Type": "text/plain", "X-Own": "1" });
    for (let part = 0; part < 1000; part += 1) res.write("goal ");
    res.end();
  },
};

for (const [name, make] of Object.entries(layers)) {
  for (const place of ["in front", "behind"]) {
    describe(`session() with ${name} ${place}`, () => {
      const appOf = (answer: RequestHandler, store = new CountingStore()) =>
        sessionApp(
          (req, res, next) => {
            req.session.views = (req.session.views ?? 0) + 1;
            res.set("X-Views", String(req.session.views));
            return answer(req, res, next);
          },
          { store },
          place === "in front" ? { before: [seeHeads, make()] } : { before: [seeHeads], after: [make()] },
        );

      for (const [how, answerWith] of Object.entries(WAYS)) {
        it(`remembers from request to request, answered ${how}`, async () => {
          const app = appOf(answerWith);
          const send = (key: string) => request(app).post("/").set("Idempotency-Key", `"${key}"`);
          const first = await send("a");
          const second = await send("b").set("Cookie", cookieOf(first));
          for (const [at, answer] of [first, second].entries()) {
            expect([answer.status, answer.text, answer.get("X-Own")]).to.deep.equal([201, TEXT, "1"]);
            expect([answer.get("X-Views"), answer.get("X-Heads")]).to.deep.equal([String(at + 1), "1"]);
          }
        });

        it(`answers 503 where it cannot save, and nothing of what was answered ${how}`, async () => {
          const store = new CountingStore();
          store.failing.set = new StoreUnavailableError("away");
          const answer = await request(appOf(answerWith, store)).post("/").set("Idempotency-Key", '"a"');
          expect([answer.status, answer.type, answer.get("X-Heads")]).to.deep.equal([
            503,
            "application/problem+json",
            "1",
          ]);
          expect(answer.body).to.include({ status: 503 });
          expect(answer.headers).not.to.have.any.keys("x-own", "x-views", "set-cookie");
        });
      }

      it("lets the error handler answer what fails", async () => {
        const app = appOf(() => {
          throw Object.assign(new Error("no tea"), { status: 418 });
        });
        const answer = await request(app).post("/").set("Idempotency-Key", '"a"');
        expect([answer.status, answer.text, answer.get("X-Heads")]).to.deep.equal([
          418,
          "Error: no tea",
          "1",
        ]);
      });
    });
  }
}

describe("session() behind compression", () => {
  const LINES = Array.from({ length: 100 }, (_, at) => `${at} ${"goal ".repeat(1000)}\n`);
  const ways: Record<string, (res: Response) => Promise<unknown>> = {
    "whoever writes and waits for drain": async (res) => {
      for (const line of LINES) if (!res.write(line)) await once(res, "drain");
      res.end();
    },
    "a pipe of small pieces": (res) => pipeline(Readable.from(LINES), res),
    "a pipe of large ones": (res) => pipeline(Readable.from([LINES.join(""), "\n"]), res),
  };

  for (const [who, send] of Object.entries(ways)) {
    it(`has ${who} go on once the session is saved`, async () => {
      const app = sessionApp(
        async (req, res) => {
          req.session.views = 1;
          await send(res.type("text"));
        },
        {},
        { before: [compression()] },
      );
      const answer = await request(app).get("/").timeout(25_000);
      expect(answer.get("Content-Encoding")).to.equal("gzip");
      expect(answer.text.trim()).to.equal(LINES.join("").trim());
    });
  }
});

describe("session() with a timeout that strikes", () => {
  const strikeAt =
    (gate: ReturnType<typeof createGate>): RequestHandler =>
    (_req, res, next) => {
      const strike = (): void => {
        if (!res.headersSent) res.status(504).send("too slow");
        gate.open();
      };
      void gate.reached.then(strike);
      next();
    };

  it("while the session is saved leaves the handler's answer alone", async () => {
    for (const place of ["before", "after"] as const) {
      const gate = createGate();
      const store = new MemoryStore();
      const set = store.set.bind(store);
      store.set = (sid, data, callback) => void gate.pass().then(() => set(sid, data, callback));
      const app = sessionApp(
        (req, res) => {
          req.session.views = 1;
          res.send("saved");
        },
        { store },
        { [place]: [strikeAt(gate)] },
      );
      const answer = await request(app).get("/");
      expect([answer.status, answer.text], place).to.deep.equal([200, "saved"]);
    }
  });

  it("while the handler works has its own answer sent, with what the session has by then", async () => {
    for (const place of ["before", "after"] as const) {
      const gate = createGate();
      const store = new CountingStore();
      const app = sessionApp(
        async (req, res) => {
          req.session.views = 1;
          await gate.pass();
          req.session.views = 2;
          if (!res.headersSent) res.send("done");
        },
        { store },
        { [place]: [strikeAt(gate)] },
      );
      const answer = await request(app).get("/");
      expect([answer.status, answer.text], place).to.deep.equal([504, "too slow"]);
    }
  });
});

describe("session() while its session is loaded", () => {
  it("leaves what layers outside put in place of the response's methods meanwhile", async () => {
    const store = new CountingStore();
    const ended: string[] = [];
    const app = sessionApp(
      count,
      { store },
      {
        before: [
          (req, res, next) => {
            next();
            const end = res.end.bind(res) as (...args: unknown[]) => typeof res;
            res.end = (...args: unknown[]) => {
              ended.push(req.path);
              return end(...args);
            };
          },
        ],
      },
    );
    const cookie = cookieOf(await request(app).get("/new"));
    await request(app).get("/loaded").set("Cookie", cookie);
    expect(ended).to.include("/loaded");
  });
});
