import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { policy, remainders, type StoreUnderTest } from "./under-test.ts";

const PEERS = [0, 1, 2, 3];
/** A peer that has refused nobody. */
const STRANGER = 4;

/** Many calls at once, from four processes where the backend has them. */
export function describeBursts({ open, algorithms }: StoreUnderTest): void {
  function peer(at: number): RateLimitStore {
    return open("limits", PEERS[at % PEERS.length]);
  }

  for (const algorithm of algorithms) {
    it(`admits exactly the limit of a burst of 200 (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 37)]);
      const burst = Array.from({ length: 200 }, (_, at) => peer(at).consume("k", policies, 1));
      const rests = (await Promise.all(burst)).flatMap((decision) =>
        decision.allowed ? decision.policies.map(({ remaining }) => remaining) : [],
      );
      // Each admitted unit saw a rest of its own: none was counted twice, none got lost.
      expect(rests.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 37 }, (_, at) => at));
    });

    it(`never has more than the limit in a storm of takings and refunds (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 10)]);
      let held = 0;
      let most = 0;
      await Promise.all(
        Array.from({ length: 100 }, async (_, at) => {
          const { receipt } = await peer(at).consume("k", policies, 1);
          if (!receipt) return;
          most = Math.max(most, (held += 1));
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          held -= 1;
          await peer(at).refund("k", policies, receipt);
        }),
      );
      expect(most).to.be.within(1, 10);
      // The others remember refusals, which units that came back through their peers do not end.
      expect(await remainders(open("limits", STRANGER), policies)).to.deep.equal([10]);
    });
  }

  it("takes from every policy or from none in a burst", async () => {
    const policies = policySet([
      ...algorithms.map((algorithm) => policy(algorithm, 50, { name: algorithm })),
      policy("fixed-window", 20, { name: "narrow" }),
    ]);
    const burst = Array.from({ length: 100 }, (_, at) => peer(at).consume("k", policies, 1 + (at % 3)));
    const costs = (await Promise.all(burst)).map((decision, at) => (decision.allowed ? 1 + (at % 3) : 0));
    const taken = costs.reduce((sum: number, cost) => sum + cost, 0);
    expect(taken).to.equal(20);
    expect(await remainders(peer(0), policies)).to.deep.equal([...algorithms.map(() => 30), 0]);
  });
}
