import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { eventually } from "../../support/eventually.ts";
import { createGate, type Gate } from "../../support/gate.ts";
import { cached } from "./cached-app.ts";
import { serving, statusOf, type Asking, type ServedApp } from "./served-app.ts";
import type { Received } from "../response/served.ts";

const store = (): { store: MemoryCacheStore } => ({ store: new MemoryCacheStore() });

/** Sends as many requests at once, and opens the gate once the first is at the handler and the others wait. */
async function together(
  { ask }: ServedApp,
  { count, gate, asking }: { count: number; gate: Gate; asking?: (at: number) => Asking },
): Promise<Received[]> {
  const asked = Array.from({ length: count }, (_, at) => ask(asking?.(at)));
  await gate.reached;
  await pause(50);
  gate.open();
  return Promise.all(asked);
}

/** A page that waits at a gate. */
const behind =
  (gate: Gate, send: RequestHandler): RequestHandler =>
  async (req, res, next) => {
    await gate.pass();
    return send(req, res, next);
  };

describe("responseCache, of concurrent requests of one response", () => {
  for (const [where, options] of Object.entries({ memory: store, Redis: () => ({}) })) {
    it(`runs the handler once for 200 of them, on ${where}`, async () => {
      const gate = createGate();
      const { app, runs } = cached(
        behind(gate, (_req, res) => void res.send("page")),
        options(),
      );
      const answers = await serving(app, (served) => together(served, { count: 200, gate }));
      expect(new Set(answers.map(({ text }) => text))).to.deep.equal(new Set(["page"]));
      expect(runs()).to.equal(1);
      const leaders = answers.filter((answer) => statusOf(answer).includes("stored"));
      expect(leaders).to.have.length(1);
      for (const answer of answers.filter((other) => other !== leaders[0])) {
        expect(statusOf(answer)).to.match(/^cache; (fwd=miss; collapsed|hit; ttl=\d+)$/);
      }
    });
  }

  it("runs it once per variant where the response varies", async () => {
    const gate = createGate();
    const { app, runs } = cached(
      behind(gate, (req, res) => void res.vary("X-Board").send(req.get("X-Board"))),
      store(),
    );
    const asking = (at: number): Asking => ({ headers: { "x-board": at % 2 === 0 ? "a" : "b" } });
    const answers = await serving(app, (served) => together(served, { count: 40, gate, asking }));
    for (const [at, { text }] of answers.entries()) expect(text).to.equal(at % 2 === 0 ? "a" : "b");
    expect(runs()).to.equal(2);
  });

  it("lets another one run it, once, where the first one's client has left", async () => {
    const gates = [createGate(), createGate()];
    let made = 0;
    const { app, runs } = cached(async (_req, res) => {
      await gates[made++]?.pass();
      res.send("page");
    }, store());
    await serving(app, async ({ ask, begin }) => {
      const first = begin();
      await gates[0]?.reached;
      const others = Array.from({ length: 50 }, () => ask());
      await pause(50);
      first.destroy();
      await gates[1]?.reached;
      await pause(20);
      gates[1]?.open();
      for (const { text } of await Promise.all(others)) expect(text).to.equal("page");
    });
    expect(runs()).to.equal(2);
  });

  it("answers each of them where the first one's handler throws", async () => {
    const gate = createGate();
    let made = 0;
    const { app } = cached(async (_req, res) => {
      if (made++ > 0) return void res.send("page");
      await gate.pass();
      throw new Error("broken");
    }, store());
    const answers = await serving(app, (served) => together(served, { count: 20, gate }));
    expect(answers.filter(({ status }) => status === 500)).to.have.length(1);
    expect(answers.filter(({ text }) => text === "page")).to.have.length(19);
  });

  it("lets the requests of a page that is one person's run side by side from the second on", async () => {
    const first = createGate();
    const others = createGate();
    let made = 0;
    const { app } = cached(async (_req, res) => {
      made += 1;
      await (made === 1 ? first : others).pass();
      res.set("Cache-Control", "private").send("mine");
    }, store());
    await serving(app, async ({ ask }) => {
      const asked = Array.from({ length: 10 }, () => ask());
      await first.reached;
      await pause(20);
      first.open();
      // All of them are in their handlers at once: none waits for another.
      await eventually(() => expect(made).to.equal(10));
      others.open();
      const statuses = (await Promise.all(asked)).map(statusOf);
      expect(new Set(statuses)).to.deep.equal(
        new Set(["cache; fwd=uri-miss; fwd-status=200; detail=private"]),
      );
    });
  });

  it("keeps a page again once it is everybody's again", async () => {
    let made = 0;
    const { app } = cached((_req, res) => {
      made += 1;
      if (made === 1) res.set("Cache-Control", "private");
      res.send("page");
    }, store());
    await serving(app, async ({ ask }) => {
      for (let asked = 0; asked < 3; asked++) await ask();
      expect(statusOf(await ask())).to.contain("hit");
    });
  });
});
