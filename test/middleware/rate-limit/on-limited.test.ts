import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import type { PolicySet } from "express-redis-suite/stores/rate-limit/contract";
import { expect } from "chai";
import express, { type Express } from "express";
import { delayUpTo, rateLimit, type OnLimited, type RateLimitOptions } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { channels, type RateLimitEvent } from "express-redis-suite/telemetry";
import request from "supertest";
import { pause, policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { unreliable } from "../../stores/rate-limit/unreliable-store.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { serve } from "./served-app.ts";

function appWith(options: Partial<RateLimitOptions> & { policies: PolicySet }): Express {
  const app = express();
  app.use(rateLimit({ store: new MemoryRateLimitStore(), key: () => "k", ...options }));
  app.get("/", (_req, res) => void res.send("through"));
  app.use(
    ((error: Error, _req, res, _next) =>
      void res.status(500).send(error.message)) satisfies express.ErrorRequestHandler,
  );
  return app;
}

async function statusesOf(app: Express, count: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => request(app).get("/")));
  return answers.map(({ status }) => status).toSorted((a, b) => a - b);
}

describe("shadow mode", () => {
  const one = policySet([policy("fixed-window", 1, { name: "tried" })]);

  it("lets every request pass, and publishes what would have been limited", async () => {
    const app = appWith({ policies: one, onLimited: "shadow" });
    const events = await collectEvents(channels.rateLimit, async () => {
      expect(await statusesOf(app, 1)).to.deep.equal([200]);
      expect(await statusesOf(app, 2)).to.deep.equal([200, 200]);
    });
    expect(events.map(({ outcome, policy: refusing }) => [outcome, refusing])).to.deep.equal([
      ["allowed", undefined],
      ["shadow-limited", "tried"],
      ["shadow-limited", "tried"],
    ]);
  });

  it("says nothing of itself to clients", async () => {
    const app = appWith({ policies: one, onLimited: "shadow" });
    for (let sent = 0; sent < 2; sent++) {
      const { headers } = await request(app).get("/");
      expect(Object.keys(headers).filter((name) => /ratelimit|retry-after/.test(name))).to.deep.equal([]);
    }
  });

  it("takes nothing for what it would have refused", async () => {
    const store = new MemoryRateLimitStore();
    const two = policySet([policy("fixed-window", 2)]);
    const app = appWith({
      store,
      policies: two,
      onLimited: "shadow",
      cost: (req) => Number(req.query["cost"]),
    });
    await request(app).get("/?cost=1");
    await request(app).get("/?cost=2");
    expect(await remainders(store, two)).to.deep.equal([1]);
  });

  it("leaves a real limiter beside it alone", async () => {
    const store = new MemoryRateLimitStore();
    const app = express();
    app.use(rateLimit({ store, policies: one, key: () => "k", onLimited: "shadow" }));
    app.use(rateLimit({ store, policies: policySet([policy("fixed-window", 2)]), key: () => "k" }));
    app.get("/", (_req, res) => void res.end());
    expect(await statusesOf(app, 3)).to.deep.equal([200, 200, 429]);
  });
});

describe("delayUpTo", () => {
  it("holds a request back until it fits", async () => {
    const app = appWith({
      policies: policySet([policy("gcra", 1, { windowMs: 80 })]),
      onLimited: delayUpTo({ maxDelayMs: 1000 }),
    });
    const startedAt = performance.now();
    const events = await collectEvents(channels.rateLimit, async () => {
      expect(await statusesOf(app, 3)).to.deep.equal([200, 200, 200]);
    });
    expect(performance.now() - startedAt).to.be.within(155, 1500);
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["allowed", "allowed", "allowed"]);
  });

  it("tells a request that waited how it stands then", async () => {
    const app = appWith({
      policies: policySet([policy("gcra", 1, { windowMs: 60 })]),
      onLimited: delayUpTo({ maxDelayMs: 1000 }),
    });
    await request(app).get("/");
    const { status, headers } = await request(app).get("/");
    expect([status, headers["ratelimit"]]).to.deep.equal([200, '"p";r=0;t=1']);
  });

  it("denies at once what would have to wait for longer", async () => {
    const app = appWith({
      policies: policySet([policy("fixed-window", 1)]),
      onLimited: delayUpTo({ maxDelayMs: 5000 }),
    });
    await request(app).get("/");
    const startedAt = performance.now();
    const denied = await request(app).get("/");
    expect(performance.now() - startedAt).to.be.below(1000);
    expect(denied.status).to.equal(429);
    expect(denied.get("Retry-After")).to.equal("3600");
    expect(denied.get("RateLimit")).to.equal('"p";r=0;t=3600');
  });

  it("denies at once what no wait can make fit", async () => {
    const app = appWith({
      policies: policySet([policy("fixed-window", 1, { windowMs: 50 })]),
      onLimited: delayUpTo({ maxDelayMs: 5000 }),
      cost: () => 2,
    });
    expect(await statusesOf(app, 1)).to.deep.equal([429]);
  });

  it("gives up when others were faster and the bound is reached", async () => {
    const app = appWith({
      policies: policySet([policy("gcra", 1, { windowMs: 100 })]),
      onLimited: delayUpTo({ maxDelayMs: 150 }),
    });
    const statuses = await statusesOf(app, 6);
    expect(statuses.slice(0, 2)).to.deep.equal([200, 200]);
    expect(statuses.slice(3)).to.deep.equal([429, 429, 429]);
  });

  it("holds so many requests back at the same time, and no more", async () => {
    const app = appWith({
      policies: policySet([policy("fixed-window", 1, { windowMs: 300 })]),
      onLimited: delayUpTo({ maxDelayMs: 1000, maxWaiting: 1 }),
    });
    await request(app).get("/");
    expect(await statusesOf(app, 3)).to.deep.equal([200, 429, 429]);
    expect(await statusesOf(app, 1), "the place is free again").to.deep.equal([200]);
  });

  it("takes nothing for a client that has gone meanwhile", async () => {
    const store = new MemoryRateLimitStore();
    const one = policySet([policy("fixed-window", 1, { windowMs: 150 })]);
    const served = await serve(appWith({ store, policies: one, onLimited: delayUpTo({ maxDelayMs: 1000 }) }));
    try {
      const gone = served.connectionsClosed(2);
      served.send("/");
      await eventually(async () => expect(await remainders(store, one)).to.deep.equal([0]));
      const waiting = served.send("/");
      await pause(30);
      waiting.destroy();
      await gone;
      await pause(200);
      expect(await remainders(store, one)).to.deep.equal([1]);
    } finally {
      await served.stop();
    }
  });

  it("denies with what it knows when the store goes away meanwhile", async () => {
    const store = unreliable(new MemoryRateLimitStore());
    const app = appWith({
      store,
      policies: policySet([policy("fixed-window", 1, { windowMs: 100 })]),
      onLimited: delayUpTo({ maxDelayMs: 1000 }),
    });
    await request(app).get("/");
    const waiting = request(app)
      .get("/")
      .then((answer) => answer);
    await pause(30);
    store.away = true;
    const denied = await waiting;
    expect(denied.status).to.equal(429);
    expect(denied.get("Retry-After")).to.equal("1");
    expect(denied.body.detail).to.equal("Try again in 1 s.");
  });
});

describe("a function for requests over their limit", () => {
  const one = policySet([policy("fixed-window", 1, { name: "one" })]);

  it("may answer itself", async () => {
    const onLimited: OnLimited = ({ res, decision }) => {
      res.status(420).send(decision.policies.map(({ name }) => name).join());
    };
    const app = appWith({ policies: one, onLimited });
    await request(app).get("/");
    const answer = await request(app).get("/");
    expect([answer.status, answer.text]).to.deep.equal([420, "one"]);
  });

  it("is heard of once, when it has answered itself, too", async () => {
    const app = appWith({
      policies: policySet([policy("fixed-window", 1)]),
      onLimited: ({ res }) => void res.status(503).end(),
    });
    const outcomes: string[] = [];
    const listener = (event: unknown): void => void outcomes.push((event as RateLimitEvent).outcome);
    channels.rateLimit.subscribe(listener);
    try {
      expect(await statusesOf(app, 3)).to.deep.equal([200, 503, 503]);
      await eventually(() => expect(outcomes).to.deep.equal(["allowed", "limited", "limited"]));
    } finally {
      channels.rateLimit.unsubscribe(listener);
    }
  });

  it("may deny as usual, or let pass what it likes", async () => {
    const onLimited: OnLimited = ({ req, decision, pass, deny }) =>
      req.query["vip"] ? pass(decision) : deny();
    const app = appWith({ policies: one, onLimited });
    await request(app).get("/");
    expect((await request(app).get("/")).status).to.equal(429);
    expect((await request(app).get("/?vip=1")).status).to.equal(200);
  });

  it("hands its own error to the app", async () => {
    const failing: OnLimited[] = [
      () => {
        throw new Error("at once");
      },
      () => Promise.reject(new Error("later")),
    ];
    for (const onLimited of failing) {
      const app = appWith({ policies: one, onLimited });
      await request(app).get("/");
      expect((await request(app).get("/")).status).to.equal(500);
    }
  });

  it("hears of a store that cannot be asked again", async () => {
    const store = unreliable(new MemoryRateLimitStore());
    const onLimited: OnLimited = async ({ retry }) => {
      store.away = true;
      await retry();
    };
    const app = appWith({ store, policies: one, onLimited });
    await request(app).get("/");
    const answer = await request(app).get("/");
    expect([answer.status, answer.text]).to.deep.equal([500, "the test's store is away"]);
  });
});
