import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { cached } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

/** Each operation that a request with tags waits for. */
const OPERATIONS = ["read", "lead", "stamp", "fill"] as const;

/** A store, one operation of which waits at a gate the first time. */
function gated(operation: (typeof OPERATIONS)[number]): {
  store: CacheStore;
  gate: ReturnType<typeof createGate>;
} {
  const store = new MemoryCacheStore();
  const gate = createGate();
  const original = (store[operation] as (...args: unknown[]) => Promise<unknown>).bind(store);
  Object.assign(store, {
    async [operation](...args: unknown[]) {
      await gate.pass();
      return original(...args);
    },
  });
  return { store, gate };
}

describe("responseCache, of a client that leaves", () => {
  for (const operation of OPERATIONS) {
    it(`while the store is asked (${operation}) leaves nothing behind that others would wait for`, async () => {
      const { store, gate } = gated(operation);
      const { app, runs } = cached((_req, res) => void res.send("page"), { store, tags: () => ["board"] });
      await serving(app, async ({ ask, begin }) => {
        const leaving = begin();
        await gate.reached;
        leaving.destroy();
        await new Promise((resolve) => setTimeout(resolve, 20));
        gate.open();
        expect((await ask()).text).to.equal("page");
        await eventually(async () => expect(statusOf(await ask())).to.contain("hit"));
      });
      expect(runs()).to.be.within(1, 2);
    });
  }

  it("while its handler runs is no reason to keep half of a response", async () => {
    const gate = createGate();
    let made = 0;
    const { app } = cached(
      async (_req, res) => {
        if (made++ > 0) return void res.send("page");
        res.write("half");
        await gate.pass();
        res.end(" and half");
      },
      { store: new MemoryCacheStore() },
    );
    await serving(app, async ({ ask, begin }) => {
      const leaving = begin();
      await gate.reached;
      leaving.destroy();
      await new Promise((resolve) => setTimeout(resolve, 20));
      gate.open();
      expect((await ask()).text).to.equal("page");
    });
  });

  it("while it waits for another one's handler harms neither", async () => {
    const gate = createGate();
    const { app, runs } = cached(
      async (_req, res) => {
        await gate.pass();
        res.send("page");
      },
      { store: new MemoryCacheStore() },
    );
    await serving(app, async ({ ask, begin }) => {
      const first = ask();
      await gate.reached;
      const leaving = begin();
      await new Promise((resolve) => setTimeout(resolve, 20));
      leaving.destroy();
      gate.open();
      expect((await first).text).to.equal("page");
      expect(statusOf(await ask())).to.contain("hit");
    });
    expect(runs()).to.equal(1);
  });
});
