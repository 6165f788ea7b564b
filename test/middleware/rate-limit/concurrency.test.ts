import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import express, { type Express } from "express";
import { rateLimit } from "express-redis-suite/rate-limit";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import request from "supertest";
import { pause, policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { useLimiterProcesses } from "../../stores/rate-limit/limiter-processes.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { redis, redisUrl } from "../../support/shared-redis.ts";
import { held } from "./held-store.ts";
import { serve, type ServedApp } from "./served-app.ts";

/** Longer than a busy machine stalls. */
const LIFE_MS = 800;
const two = policySet([policy("concurrency", 2, { windowMs: LIFE_MS })]);

/** `/wait` is answered once `answerAll` is called; `/crash` and `/reject` fail as handlers do. */
function appWith(store: RateLimitStore, policies = two): { app: Express; answerAll: () => void } {
  let answerAll = (): void => {};
  const answered = new Promise<void>((resolve) => (answerAll = resolve));
  const app = express();
  app.use(rateLimit({ store, policies, key: () => "k" }));
  app.get("/wait", async (_req, res) => {
    await answered;
    res.end();
  });
  app.get("/now", (_req, res) => void res.end());
  app.get("/crash", () => {
    throw new Error("a bug of the handler");
  });
  app.get("/reject", () => Promise.reject(new Error("a bug of the handler")));
  app.use(((_error, _req, res, _next) => void res.status(500).end()) satisfies express.ErrorRequestHandler);
  return { app, answerAll };
}

describe("a concurrency policy", () => {
  let store: RateLimitStore;
  let served: ServedApp | undefined;
  beforeEach(() => {
    store = new RedisRateLimitStore({ client: redis(), prefix: "hammered", deadlineMs: 3000 });
  });
  afterEach(async () => {
    await served?.stop();
    served = undefined;
  });

  async function expectInUse(units: number): Promise<void> {
    await eventually(async () => expect(await remainders(store, two)).to.deep.equal([2 - units]));
  }

  it("admits as many requests as may be open at the same time, and the next when one ends", async () => {
    const { app, answerAll } = appWith(store);
    served = await serve(app);
    served.send("/wait");
    served.send("/wait");
    await expectInUse(2);
    const refused = await request(app).get("/now");
    expect(refused.status).to.equal(429);
    expect(refused.get("Retry-After")).to.equal("1");
    expect(refused.get("RateLimit")).to.equal('"p";r=0');
    answerAll();
    await expectInUse(0);
    expect((await request(app).get("/now")).status).to.equal(200);
  });

  it("asks to come again in a second, however long its units may last", async () => {
    const { app, answerAll } = appWith(
      store,
      policySet([policy("concurrency", 1), policy("gcra", 9, { name: "rate" })]),
    );
    served = await serve(app);
    served.send("/wait");
    await eventually(async () => expect((await request(app).get("/now")).status).to.equal(429));
    const refused = await request(app).get("/now");
    expect(refused.get("Retry-After")).to.equal("1");
    expect(refused.body.detail).to.equal("Try again in 1 s.");
    answerAll();
  });

  for (const [path, status] of [
    ["/now", 200],
    ["/crash", 500],
    ["/reject", 500],
    ["/nothing", 404],
  ] as const) {
    it(`gives its unit back after ${path}, answered ${status}`, async () => {
      const { app } = appWith(store);
      for (let sent = 0; sent < 4; sent++) {
        expect((await request(app).get(path)).status).to.equal(status);
        await expectInUse(0);
      }
    });
  }

  it("gives its unit back when the client leaves while the handler works", async () => {
    served = await serve(appWith(store).app);
    const sent = served.send("/wait");
    await expectInUse(1);
    sent.destroy();
    await expectInUse(0);
  });

  it("gives its unit back at once when the client has left while the store was asked", async () => {
    const long = policySet([policy("concurrency", 2)]);
    const slow = held(store);
    served = await serve(appWith(slow.store, long).app);
    const gone = served.connectionsClosed(1);
    const sent = served.send("/wait");
    await slow.asked;
    sent.destroy();
    await gone;
    slow.letGo();
    await pause(30);
    await eventually(async () => expect(await remainders(store, long)).to.deep.equal([2]));
  });

  it("keeps its unit for as long as a response is open, however long that is", async () => {
    const { app, answerAll } = appWith(store);
    served = await serve(app);
    served.send("/wait");
    await expectInUse(1);
    const until = performance.now() + 2.5 * LIFE_MS;
    while (performance.now() < until) {
      expect(await remainders(store, two)).to.deep.equal([1]);
      await pause(10);
    }
    answerAll();
    await expectInUse(0);
  });

  it("costs one command to take and one to give back", async () => {
    const { app } = appWith(store);
    await request(app).get("/now");
    await expectInUse(0);
    const counts = await countCommands(redis(), async () => {
      await request(app).get("/now");
      await pause(20);
    });
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 2 });
  });

  it("asks no more of Redis once the response is closed", async () => {
    const { app } = appWith(store);
    await request(app).get("/now");
    await expectInUse(0);
    const counts = await countCommands(redis(), () => pause(LIFE_MS));
    expect(counts.size).to.equal(0);
  });

  it("holds nothing for a request that another policy refused", async () => {
    const both = policySet([
      policy("fixed-window", 1, { name: "one" }),
      policy("concurrency", 2, { name: "use" }),
    ]);
    const { app } = appWith(store, both);
    await request(app).get("/now");
    expect((await request(app).get("/now")).status).to.equal(429);
    // Not by the store that refused, which remembers what it saw then.
    const other = new RedisRateLimitStore({ client: redis(), prefix: "hammered", denyMemoryKeys: 0 });
    await eventually(async () => expect(await remainders(other, both)).to.deep.equal([0, 2]));
  });

  it("may be renewed for longer than a timer can count", async () => {
    const years = policySet([policy("concurrency", 2, { windowMs: 400 * 24 * 3_600_000 })]);
    const { app, answerAll } = appWith(store, years);
    served = await serve(app);
    served.send("/wait");
    await eventually(async () => expect(await remainders(store, years)).to.deep.equal([1]));
    const counts = await countCommands(redis(), () => pause(50));
    expect(counts.size).to.equal(0);
    answerAll();
  });
});

describe("a concurrency policy of a process that dies", () => {
  const processes = useLimiterProcesses(1, redisUrl);

  it("has its units back once they are no longer renewed", async () => {
    const store = new RedisRateLimitStore({ client: redis(), prefix: "hammered", deadlineMs: 3000 });
    const everybody = async (): Promise<number[]> => remainders(store, two, "everybody");
    const [process] = processes();
    const { port = 0 } =
      (await process?.order<{ port: number }>({ kind: "serve", policies: two.list })) ?? {};
    const hanging = [0, 1].map(() => fetch(`http://127.0.0.1:${port}/hang`).catch(() => "gone"));
    await eventually(async () => expect(await everybody()).to.deep.equal([0]));
    await pause(1.5 * LIFE_MS);
    expect(await everybody(), "renewed while the process lived").to.deep.equal([0]);
    process?.kill();
    expect(await Promise.all(hanging)).to.deep.equal(["gone", "gone"]);
    await eventually(async () => expect(await everybody()).to.deep.equal([2]), LIFE_MS + 500);
  });
});
