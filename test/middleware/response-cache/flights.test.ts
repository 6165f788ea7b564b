import { mock } from "node:test";
import { expect } from "chai";
import { Flights, WAIT_MS, type Landed } from "../../../middleware/response-cache/flights.ts";

describe("the runs of handlers under way", () => {
  it("are waited for no longer than a while, and then hold nothing", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const flights = new Flights();
      void flights.start("key", () => new Promise(() => {}));
      const waiting = flights.get("key");
      mock.timers.tick(WAIT_MS);
      expect(await waiting).to.deep.equal({ outcome: "late" });
      expect(flights.get("key")).to.equal(undefined);
    } finally {
      mock.timers.reset();
    }
  });

  it("do not end a later one of the same key", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const flights = new Flights();
      let land = (_landed: Landed): void => {};
      void flights.start("key", () => new Promise((resolve) => (land = resolve)));
      mock.timers.tick(WAIT_MS);
      void flights.start("key", () => new Promise(() => {}));
      const later = flights.get("key");
      land({ outcome: "failed" });
      await new Promise((resolve) => setImmediate(resolve));
      expect(flights.get("key")).to.equal(later);
    } finally {
      mock.timers.reset();
    }
  });

  it("fail for those who wait where the run throws, and reject for the one who runs", async () => {
    const flights = new Flights();
    const mistake = new TypeError("a mistake");
    const running = flights.start("key", () => Promise.reject(mistake)).catch((error: unknown) => error);
    expect(await flights.get("key")).to.deep.equal({ outcome: "failed" });
    expect(await running).to.equal(mistake);
  });
});
