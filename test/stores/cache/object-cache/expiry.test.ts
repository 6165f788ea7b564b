import { expect } from "chai";
import fc from "fast-check";
import { isDueEarly, jitteredTtlMs } from "../../../../stores/cache/object-cache/expiry.ts";

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("early refresh", () => {
  const value = { storedAt: 1000, ttlMs: 10_000, loadMs: 500 };
  const due = (now: number, beta: number, random: number, loadMs = 500): boolean =>
    isDueEarly({ ...value, loadMs }, { now, beta, random });

  it("comes with the probability that XFetch gives it: e^(-left / (load time * beta))", () => {
    const steps = 10_000;
    for (const leftMs of [100, 500, 1500, 4000]) {
      for (const beta of [0.5, 1, 3]) {
        const now = value.storedAt + value.ttlMs - leftMs;
        let count = 0;
        for (let at = 0; at < steps; at += 1) if (due(now, beta, (at + 0.5) / steps)) count += 1;
        expect(count / steps).to.be.closeTo(Math.exp(-leftMs / (500 * beta)), 2 / steps);
      }
    }
  });

  it("is certain at the end of the time, and never comes before it for what takes no time to load", () => {
    fc.assert(
      fc.property(share, fc.nat(9_999), (random, ageMs) => {
        expect(due(11_000, 1, random)).to.equal(true);
        expect(due(1000 + ageMs, 1, random, 0)).to.equal(false);
      }),
    );
  });

  it("is the more likely the nearer the end is, and the longer the load takes", () => {
    fc.assert(
      fc.property(share, fc.nat(9_999), fc.nat(5000), (random, ageMs, loadMs) => {
        if (!due(1000 + ageMs, 1, random, loadMs)) return;
        expect(due(1001 + ageMs, 1, random, loadMs)).to.equal(true);
        expect(due(1000 + ageMs, 1, random, loadMs + 1)).to.equal(true);
      }),
    );
  });
});

describe("a jittered time to live", () => {
  it("is shorter by at most the jitter, never longer, and at least a millisecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), share, share, (ttlMs, jitter, random) => {
        const jittered = jitteredTtlMs(ttlMs, jitter, random);
        expect(jittered).to.be.within(Math.max(1, Math.floor(ttlMs * (1 - jitter))), ttlMs);
        expect(Number.isInteger(jittered)).to.equal(true);
      }),
    );
  });

  it("is spread evenly", () => {
    expect([0, 0.25, 0.5, 0.75].map((random) => jitteredTtlMs(1000, 0.1, random))).to.deep.equal([
      1000, 975, 950, 925,
    ]);
  });
});
