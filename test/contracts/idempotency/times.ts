import { expect } from "chai";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { begin, complete, expectInProgress, LONG_MS, RECORD } from "./under-test.ts";

export function describeTimes(store: () => IdempotencyStore): void {
  for (const timeMs of [0, -1, 0.5, NaN, Infinity, 2 ** 53, "100", undefined]) {
    it(`is refused with a TypeError where it is ${String(timeMs)}, and nothing is taken or changed`, async () => {
      await begin(store(), "held", "a");
      const work = { owner: "a", fingerprint: "f", lockMs: timeMs as number };
      const refused = {
        lockMs: [
          store().begin("k", work),
          store().begin("held", work),
          store().extend("held", "a", work.lockMs),
        ],
        ttlMs: [
          store().complete("held", { owner: "a", fingerprint: "f", record: RECORD, ttlMs: timeMs as number }),
        ],
      };
      for (const [name, calls] of Object.entries(refused)) {
        for (const { status, ...settled } of await Promise.allSettled<unknown>(calls)) {
          expect(status).to.equal("rejected");
          expect(settled).to.have.property("reason").that.is.instanceOf(TypeError);
          expect(settled).to.have.nested.property("reason.message").that.includes(name);
        }
      }
      const { fingerprint, remainingMs } = await expectInProgress(store(), "held");
      expect([fingerprint, remainingMs > LONG_MS / 2]).to.deep.equal(["of a", true]);
      expect(await begin(store(), "k", "b")).to.equal("begun");
    });
  }

  it("may be as long as there are milliseconds", async () => {
    expect(await begin(store(), "k", "a", Number.MAX_SAFE_INTEGER)).to.equal("begun");
    expect(await store().extend("k", "a", Number.MAX_SAFE_INTEGER)).to.equal(true);
    expect(await complete(store(), "k", "a", { ttlMs: Number.MAX_SAFE_INTEGER })).to.equal(true);
    expect(await begin(store(), "k", "b")).to.equal("done");
  });
}
