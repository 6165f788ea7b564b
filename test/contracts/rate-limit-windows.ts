import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { eventually } from "../support/eventually.ts";
import { HOUR_MS, policy } from "./rate-limit-policy.ts";

/** The part of the contract that is about time. */
export function describeWindows(store: () => RateLimitStore): void {
  it("gives the whole limit back once the window is over", async () => {
    const short = policy(2, 120);
    await store().consume("k", [short], 2);
    await eventually(async () => expect((await store().consume("k", [short], 2)).allowed).to.equal(true));
  });

  it("waits no longer than it said", async () => {
    const short = policy(1, 150);
    await store().consume("k", [short], 1);
    const { retryAfterMs } = await store().consume("k", [short], 1);
    expect(retryAfterMs).to.be.within(1, 150);
    await pause(retryAfterMs + 2);
    expect((await store().consume("k", [short], 1)).allowed).to.equal(true);
  });

  it("admits the limit again after an expiry, and no more than that", async () => {
    const short = policy(2, 100);
    await store().consume("k", [short], 2);
    await pause(110);
    const long = policy(2, HOUR_MS);
    expect((await store().consume("k", [long], 1)).policies[0]).to.include({
      remaining: 1,
      resetAfterMs: HOUR_MS,
    });
    expect((await store().consume("k", [long], 1)).allowed).to.equal(true);
    expect((await store().consume("k", [long], 1)).allowed).to.equal(false);
  });

  it("begins a window with its first unit and ends it there, whatever comes in between", async () => {
    const window = policy(1000, 400);
    const startedAt = performance.now();
    await store().consume("k", [window], 1);
    await pause(150);
    const { policies } = await store().consume("k", [window], 1);
    const elapsed = performance.now() - startedAt;
    expect(policies[0]?.resetAfterMs).to.be.within(400 - elapsed - 2, 400 - 148);
  });

  it("is not prolonged by refused units", async () => {
    const short = policy(1, 150);
    const startedAt = performance.now();
    await store().consume("k", [short], 1);
    while (!(await store().consume("k", [short], 1)).allowed) await pause(1);
    expect(performance.now() - startedAt).to.be.within(145, 1500);
  });

  it("ends each policy's window at its own time", async () => {
    const both = [policy(2, 100, "short"), policy(2, HOUR_MS, "long")];
    await store().consume("k", both, 1);
    await pause(110);
    const { policies } = await store().consume("k", both, 1);
    expect(policies.map((state) => state.remaining)).to.deep.equal([1, 0]);
  });

  it("counts a window that ends later than the policy allows as ended", async () => {
    await store().consume("k", [policy(1, HOUR_MS)], 1);
    const { allowed, policies } = await store().consume("k", [policy(1, 1000)], 1);
    expect([allowed, policies[0]?.resetAfterMs]).to.deep.equal([true, 1000]);
  });
}
