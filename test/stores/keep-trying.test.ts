import { expect } from "chai";
import { keepTrying } from "../../stores/keep-trying.ts";

describe("keepTrying", () => {
  const setTimeoutOfNode = globalThis.setTimeout;
  afterEach(() => {
    globalThis.setTimeout = setTimeoutOfNode;
  });

  it("tries more and more seldom, but at least every two seconds, so that what is given back is so soon after an outage", async () => {
    const pauses: number[] = [];
    const atOnce = (run: () => void, delayMs: number): NodeJS.Timeout => {
      pauses.push(delayMs);
      return setTimeoutOfNode(run, 0);
    };
    globalThis.setTimeout = atOnce as typeof setTimeout;
    let tries = 0;
    await keepTrying(async () => {
      if (++tries < 9) throw new Error("away");
    }, 60_000);
    expect(tries).to.equal(9);
    expect(pauses).to.deep.equal([100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });
});
