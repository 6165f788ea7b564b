import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import type { RateLimitReceipt } from "express-redis-suite/stores/rate-limit/contract";
import { eventually } from "../../support/eventually.ts";
import { pause, policy, remainders, take, type StoreUnderTest } from "./under-test.ts";

/** Several times longer than a machine stalls, since what is renewed must not end. */
const LIFE_MS = 600;

/** The `concurrency` algorithm: units that are in use until they are released, or nobody renews them. */
export function describeUnitsInUse({ open, store }: StoreUnderTest): void {
  const two = policySet([policy("concurrency", 2)]);
  const brief = policySet([policy("concurrency", 2, { windowMs: LIFE_MS })]);

  it("gives a released unit to the next", async () => {
    const first = await take(store(), { policies: two });
    await take(store(), { policies: two });
    expect((await store().consume("k", two, 1)).allowed).to.equal(false);
    await store().release("k", two, first);
    expect((await store().consume("k", two, 1)).allowed).to.equal(true);
    expect((await store().consume("k", two, 1)).allowed).to.equal(false);
  });

  it("releases a unit once, however often it is asked to", async () => {
    const first = await take(store(), { policies: two });
    await take(store(), { policies: two });
    for (let time = 0; time < 3; time++) await store().release("k", two, first);
    expect(await remainders(store(), two)).to.deep.equal([1]);
  });

  it("releases all units of a cost together", async () => {
    const five = policySet([policy("concurrency", 5)]);
    const receipt = await take(store(), { policies: five, cost: 3 });
    await take(store(), { policies: five });
    await store().release("k", five, receipt);
    expect(await remainders(store(), five)).to.deep.equal([4]);
  });

  it("asks a refused unit to come again within a second", async () => {
    await take(store(), { policies: two, cost: 2 });
    expect((await store().consume("k", two, 1)).retryAfterMs).to.be.within(1, 1000);
  });

  it("ends units that nobody renews, as those of a process that has died", async () => {
    await take(open("limits", 1), { policies: brief, cost: 2 });
    expect((await store().consume("k", brief, 1)).allowed).to.equal(false);
    await eventually(async () => expect(await remainders(store(), brief)).to.deep.equal([2]));
  });

  it("keeps units for as long as they are renewed", async () => {
    const receipt = await take(store(), { policies: brief, cost: 2 });
    await whileRenewing(receipt, async () => {
      const until = performance.now() + 1.5 * LIFE_MS;
      while (performance.now() < until) {
        expect(await remainders(store(), brief)).to.deep.equal([0]);
        await pause(5);
      }
    });
    await eventually(async () => expect(await remainders(store(), brief)).to.deep.equal([2]));
  });

  it("does not bring a unit back that has ended, by renewing it or by releasing it", async () => {
    const dead = await take(store(), { policies: brief });
    // The other unit keeps the key alive, the dead unit's remains included.
    const alive = await take(store(), { policies: brief });
    await whileRenewing(alive, async () => {
      await eventually(async () => expect(await remainders(store(), brief)).to.deep.equal([1]));
      await store().renew("k", brief, dead);
      expect(await remainders(store(), brief)).to.deep.equal([1]);
      await store().release("k", brief, dead);
      expect(await remainders(store(), brief)).to.deep.equal([1]);
    });
  });

  it("rewards with units that are in use, not with those that have ended by themselves", async () => {
    await take(store(), { policies: brief });
    const alive = await take(store(), { policies: brief });
    await whileRenewing(alive, async () => {
      await eventually(async () => expect(await remainders(store(), brief)).to.deep.equal([1]));
      await store().reward("k", brief, 1);
      expect(await remainders(store(), brief)).to.deep.equal([2]);
    });
  });

  async function whileRenewing(receipt: RateLimitReceipt, action: () => Promise<void>): Promise<void> {
    const renewal = setInterval(
      () =>
        void store()
          .renew("k", brief, receipt)
          .catch(() => {}),
      LIFE_MS / 6,
    );
    try {
      await action();
    } finally {
      clearInterval(renewal);
    }
  }

  it("releases and renews nothing but units in use", async () => {
    const both = policySet([
      policy("fixed-window", 5, { name: "fixed" }),
      policy("concurrency", 5, { name: "use" }),
    ]);
    const receipt = await take(store(), { policies: both, cost: 2 });
    await store().renew("k", both, receipt);
    expect(await remainders(store(), both)).to.deep.equal([3, 3]);
    await store().release("k", both, receipt);
    expect(await remainders(store(), both)).to.deep.equal([3, 5]);
  });

  it("asks nothing of policies that have no units in use", async () => {
    const fixed = policySet([policy("fixed-window", 5)]);
    const receipt = await take(store(), { policies: fixed });
    await store().renew("k", fixed, receipt);
    await store().release("k", fixed, receipt);
    expect(await remainders(store(), fixed)).to.deep.equal([4]);
  });

  it("does not let one process release what another one holds", async () => {
    const theirs = await take(open("limits", 1), { policies: two });
    const ours = await take(open("limits", 2), { policies: two });
    await open("limits", 2).release("k", two, ours);
    expect(await remainders(store(), two)).to.deep.equal([1]);
    await open("limits", 1).release("k", two, theirs);
    expect(await remainders(store(), two)).to.deep.equal([2]);
  });
}
