import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { cached, countUp, hit, send } from "./cached-app.ts";

describe("responseCache, of a request that is over while the store is asked", () => {
  for (const found of ["hit", "miss"] as const) {
    it(`neither answers nor runs the handler after another layer's answer (${found})`, async () => {
      const store = new MemoryCacheStore();
      const filled = cached(countUp, { store });
      if (found === "hit") {
        await send(filled.app);
        await hit(filled.app);
      }
      const gate = createGate();
      const read = store.read.bind(store);
      const slow = Object.assign(store, {
        async read(...args: Parameters<typeof read>) {
          await gate.pass();
          return read(...args);
        },
      });
      const uncaught: unknown[] = [];
      const timeout: RequestHandler = (_req, res, next) => {
        void gate.reached.then(() => res.status(504).send("too slow"));
        next();
      };
      const { app, runs } = cached(countUp, { store: slow }, [timeout]);
      const note = (error: unknown): void => void uncaught.push(error);
      process.on("uncaughtExceptionMonitor", note);
      const answer = await send(app);
      gate.open();
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      process.off("uncaughtExceptionMonitor", note);
      expect([answer.status, runs(), uncaught]).to.deep.equal([504, 0, []]);
    });
  }

  it("survives a store that throws as it should keep a response, and warns with a code", async () => {
    const store = Object.assign(new MemoryCacheStore(), {
      fill: (): never => {
        throw new TypeError("not a promise");
      },
    });
    const codes: unknown[] = [];
    const note = (warning: NodeJS.ErrnoException): void => void codes.push(warning.code);
    process.on("warning", note);
    expect((await send(cached(countUp, { store }).app)).status).to.equal(200);
    await eventually(() => expect(codes).to.deep.equal(["ERS_STORE_ERROR"]));
    process.off("warning", note);
  });
});
