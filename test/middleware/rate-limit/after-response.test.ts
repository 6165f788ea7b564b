import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import {
  chargeWhen,
  failed,
  rateLimit,
  refundWhen,
  successful,
  type JudgeResponse,
  type RateLimitOptions,
} from "express-redis-suite/rate-limit";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { held } from "./held-store.ts";
import { serve, type ServedApp } from "./served-app.ts";

const two = policySet([policy("fixed-window", 2)]);

/** Answers with the status that the path says; `/hang` never answers, `/crash` throws. */
function appBehind(limiter: RequestHandler): Express {
  const app = express();
  app.use(limiter);
  app.get("/hang", () => {});
  app.get("/crash", () => {
    throw new Error("a bug of the handler");
  });
  app.get("/:status", (req, res) => void res.status(Number(req.params.status)).end());
  app.use(((_error, _req, res, _next) => void res.status(500).end()) satisfies express.ErrorRequestHandler);
  return app;
}

function optionsFor(store: RateLimitStore, more: Partial<RateLimitOptions> = {}): RateLimitOptions {
  return { store, policies: two, key: () => "k", ...more };
}

async function expectLeft(store: RateLimitStore, units: number): Promise<void> {
  await eventually(async () => expect(await remainders(store, two)).to.deep.equal([units]));
}

type Wrap = (options: RateLimitOptions, judge: JudgeResponse) => RequestHandler;
const refunding: Wrap = (options, judge) => refundWhen(rateLimit(options), judge);

describe("refundWhen", () => {
  let store: RateLimitStore;
  beforeEach(() => {
    store = new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS });
  });

  it("gives the units of successes back, and keeps those of failures", async () => {
    const app = appBehind(refunding(optionsFor(store), successful));
    for (const status of [200, 204, 302, 200]) {
      expect((await request(app).get(`/${status}`)).status).to.equal(status);
      await expectLeft(store, 2);
    }
    expect((await request(app).get("/401")).status).to.equal(401);
    await expectLeft(store, 1);
    expect((await request(app).get("/crash")).status).to.equal(500);
    expect((await request(app).get("/200")).status).to.equal(429);
  });

  it("gives the units of failures back, and keeps those of successes", async () => {
    const app = appBehind(refunding(optionsFor(store), failed));
    for (const path of ["/500", "/crash", "/404"]) {
      await request(app).get(path);
      await expectLeft(store, 2);
    }
    await request(app).get("/200");
    await expectLeft(store, 1);
  });

  it("costs two commands where units come back, and one where they do not", async () => {
    const app = appBehind(refunding(optionsFor(store), successful));
    await request(app).get("/200");
    await expectLeft(store, 2);
    const success = await countCommands(redis(), async () => {
      await request(app).get("/200");
      await new Promise((resolve) => setImmediate(resolve));
    });
    expect(success.get("evalsha")).to.equal(2);
    const failure = await countCommands(redis(), () => request(app).get("/400"));
    expect(Object.fromEntries(failure)).to.deep.equal({ evalsha: 1 });
  });

  it("gives nothing back for a request that was refused, skipped, or never counted", async () => {
    const first = rateLimit({ store, policies: two, key: () => "k" });
    const never: RateLimitOptions[] = [
      optionsFor(new MemoryRateLimitStore(), { skip: () => true }),
      optionsFor(failingStore()),
      optionsFor(new MemoryRateLimitStore(), {
        policies: policySet([policy("fixed-window", 1)]),
        cost: () => 2,
      }),
    ];
    for (const options of never) {
      await store.reset("k", two);
      const both = express.Router().use(
        first,
        refunding(options, () => true),
      );
      await request(appBehind(both)).get("/200");
      await new Promise((resolve) => setTimeout(resolve, 10));
      await expectLeft(store, 1);
    }
  });

  it("lets the store be away when units come back", async () => {
    const away: RateLimitStore = failingStore();
    const noRefunds = new Proxy<RateLimitStore>(new MemoryRateLimitStore(), {
      get: (target, property: keyof RateLimitStore) =>
        property === "refund" ? away.refund.bind(away) : target[property].bind(target),
    });
    const app = appBehind(refunding(optionsFor(noRefunds), successful));
    expect((await request(app).get("/200")).status).to.equal(200);
    expect((await request(app).get("/200")).status).to.equal(200);
  });
});

describe("chargeWhen", () => {
  let store: RateLimitStore;
  beforeEach(() => {
    store = new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS });
  });

  it("charges failures after their response, and successes nothing", async () => {
    const app = appBehind(chargeWhen(optionsFor(store), failed));
    for (const path of ["/200", "/204", "/200", "/200"]) await request(app).get(path);
    await expectLeft(store, 2);
    for (const left of [1, 0]) {
      expect((await request(app).get("/401")).status).to.equal(401);
      await expectLeft(store, left);
    }
    const refused = await request(app).get("/200");
    expect(refused.status).to.equal(429);
    expect(refused.get("Retry-After")).to.equal("3600");
  });

  it("refuses nobody for requests that are still under way, and charges them past the limit", async () => {
    const app = appBehind(chargeWhen(optionsFor(store), failed));
    const answers = await Promise.all(Array.from({ length: 6 }, () => request(app).get("/401")));
    expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 6 }, () => 401));
    await expectLeft(store, 0);
    await store.reward("k", two, 4);
    expect(await remainders(store, two)).to.deep.equal([0]);
  });

  it("charges what the request cost", async () => {
    const app = appBehind(chargeWhen(optionsFor(store, { cost: () => 2 }), failed));
    await request(app).get("/400");
    await expectLeft(store, 0);
  });

  it("charges each request once, whatever the limiters before it took", async () => {
    const app = appBehind(chargeWhen(optionsFor(store), failed));
    await Promise.all([request(app).get("/crash"), request(app).get("/200")]);
    await expectLeft(store, 1);
  });

  it("neither refuses nor charges while the store is away, by default", async () => {
    const app = appBehind(chargeWhen(optionsFor(failingStore()), failed));
    for (let sent = 0; sent < 3; sent++) expect((await request(app).get("/401")).status).to.equal(401);
  });

  it("charges in the fallback while the store is away, and there too only what counts", async () => {
    const fallback = new MemoryRateLimitStore();
    const options = optionsFor(failingStore(), { onStoreError: { fallback } });
    const app = appBehind(chargeWhen(options, failed));
    const events = await collectEvents(channels.rateLimit, async () => {
      for (const status of [200, 200, 200, 401, 401]) {
        expect((await request(app).get(`/${status}`)).status).to.equal(status);
      }
      await expectLeft(fallback, 0);
      expect((await request(app).get("/200")).status).to.equal(429);
    });
    expect(events.map(({ source }) => source)).to.deep.equal(Array.from({ length: 6 }, () => "fallback"));
  });
});

describe("a client that leaves", () => {
  let served: ServedApp | undefined;
  afterEach(async () => {
    await served?.stop();
    served = undefined;
  });

  const wraps: Record<string, { wrap: Wrap; judge: JudgeResponse; left: number }> = {
    "is refunded where failures do not count": { wrap: refunding, judge: failed, left: 2 },
    "keeps its unit where only successes are refunded": { wrap: refunding, judge: successful, left: 1 },
    "is charged where failures are": { wrap: chargeWhen, judge: failed, left: 1 },
    "is not charged where only successes are": { wrap: chargeWhen, judge: successful, left: 2 },
  };
  for (const [name, { wrap, judge, left }] of Object.entries(wraps)) {
    it(`${name}, when it leaves while the handler works`, async () => {
      const store = new MemoryRateLimitStore();
      let reached = (): void => {};
      const handling = new Promise<void>((resolve) => (reached = resolve));
      const app = express().use(wrap(optionsFor(store), judge));
      app.get("/hang", () => reached());
      served = await serve(app);
      const sent = served.send("/hang");
      await handling;
      sent.destroy();
      await expectSettled(store, left);
    });

    it(`${name}, when it leaves while the store is asked`, async () => {
      const memory = new MemoryRateLimitStore();
      const slow = held(memory);
      served = await serve(appBehind(wrap(optionsFor(slow.store), judge)));
      const gone = served.connectionsClosed(1);
      const sent = served.send("/hang");
      await slow.asked;
      sent.destroy();
      await gone;
      slow.letGo();
      await expectSettled(memory, left);
    });
  }

  /** Not only reached, but stayed at. */
  async function expectSettled(store: RateLimitStore, units: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expectLeft(store, units);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expectLeft(store, units);
  }
});
