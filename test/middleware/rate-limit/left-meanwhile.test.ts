import { expect } from "chai";
import express, { type RequestHandler } from "express";
import { chargeWhen, failed, rateLimit, refundWhen } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { channels, type RateLimitEvent } from "express-redis-suite/telemetry";
import { policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { createGate } from "../../support/gate.ts";
import { eventually } from "../../support/eventually.ts";
import { serve } from "./served-app.ts";

const HOUR = policySet([policy("fixed-window", 10)]);
const NONE_LEFT = policySet([policy("fixed-window", 1)]);

/** A store in memory that answers once the gate is open. */
function storeBehind(gate: ReturnType<typeof createGate>): MemoryRateLimitStore {
  const store = new MemoryRateLimitStore();
  for (const mode of ["consume", "peek"] as const) {
    const ask = store[mode].bind(store);
    store[mode] = async (...args) => {
      await gate.pass();
      return ask(...args);
    };
  }
  return store;
}

/** Sends a request whose client leaves while the store is asked; returns the events, and how often the handler ran. */
async function leaveMeanwhile(
  limiter: RequestHandler,
  gate: ReturnType<typeof createGate>,
): Promise<{ outcomes: string[]; runs: number }> {
  let runs = 0;
  let closed = false;
  const app = express();
  app.use((_req, res, next) => {
    res.once("close", () => (closed = true));
    next();
  });
  app.use(limiter, (_req, res) => {
    runs += 1;
    res.send("handled");
  });
  const outcomes: string[] = [];
  const note = ({ outcome }: RateLimitEvent): void => void outcomes.push(outcome);
  channels.rateLimit.subscribe(note);
  const served = await serve(app);
  try {
    const sent = served.send("/");
    await gate.reached;
    sent.destroy();
    await eventually(() => expect(closed).to.equal(true));
    gate.open();
    await eventually(() => expect(outcomes).to.have.length(1));
    return { outcomes, runs };
  } finally {
    channels.rateLimit.unsubscribe(note);
    await served.stop();
  }
}

describe("a client that leaves while the store is asked", () => {
  it("is counted, published once, and handed on to nobody", async () => {
    const gate = createGate();
    const store = storeBehind(gate);
    const limiter = rateLimit({ store, policies: HOUR, key: () => "k" });
    expect(await leaveMeanwhile(limiter, gate)).to.deep.equal({ outcomes: ["allowed"], runs: 0 });
    expect(await remainders(store, HOUR)).to.deep.equal([9]);
  });

  it("is published by a limiter that leaves its answer to a function, which is not called", async () => {
    const gate = createGate();
    const store = storeBehind(gate);
    await store.charge("k", NONE_LEFT, 1);
    let called = 0;
    const limiter = rateLimit({
      store,
      policies: NONE_LEFT,
      key: () => "k",
      onLimited: () => void (called += 1),
    });
    expect(await leaveMeanwhile(limiter, gate)).to.deep.equal({ outcomes: ["limited"], runs: 0 });
    expect(called).to.equal(0);
  });

  it("has its units judged all the same", async () => {
    const gate = createGate();
    const store = storeBehind(gate);
    const limiter = rateLimit({ store, policies: HOUR, key: () => "k" });
    await leaveMeanwhile(refundWhen(limiter, failed), gate);
    await eventually(async () => expect(await remainders(store, HOUR)).to.deep.equal([10]));
  });

  it("is charged for, where what was cut off counts", async () => {
    const gate = createGate();
    const store = storeBehind(gate);
    await leaveMeanwhile(chargeWhen({ store, policies: HOUR, key: () => "k" }, failed), gate);
    await eventually(async () => expect(await remainders(store, HOUR)).to.deep.equal([9]));
  });
});

describe("a request that another layer answers while the store is asked", () => {
  it("gives its units back where the answer is judged not to count", async () => {
    const gate = createGate();
    const store = storeBehind(gate);
    const limiter = rateLimit({ store, policies: HOUR, key: () => "k" });
    const app = express();
    app.use((_req, res, next) => {
      void gate.reached.then(() => res.status(503).send("too slow"));
      next();
    });
    app.use(refundWhen(limiter, failed));
    const served = await serve(app);
    try {
      const sent = served.send("/");
      await new Promise((resolve) => sent.once("response", resolve));
      gate.open();
      await eventually(async () => expect(await remainders(store, HOUR)).to.deep.equal([10]));
    } finally {
      await served.stop();
    }
  });
});
