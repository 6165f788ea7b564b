import { expect } from "chai";
import { keepTrying } from "../../stores/keep-trying.ts";

describe("keepTrying", () => {
  it("tries more and more seldom, but at least every two seconds, so that what is given back is so soon after an outage", async () => {
    const pauses: number[] = [];
    const atOnce = async (ms: number): Promise<void> => void pauses.push(ms);
    let tries = 0;
    const run = async (): Promise<void> => {
      if (++tries < 9) throw new Error("away");
    };
    await keepTrying(run, 60_000, atOnce);
    expect(tries).to.equal(9);
    expect(pauses).to.deep.equal([100, 200, 400, 800, 1600, 2000, 2000, 2000]);
  });
});
