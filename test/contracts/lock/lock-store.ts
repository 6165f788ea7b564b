import { expect } from "chai";
import type { LockFeature, LockStore } from "express-redis-suite/stores/lock/contract";
import { describeAcquire } from "./acquire.ts";
import { describeConcurrency } from "./concurrency.ts";
import { describeExtend } from "./extend.ts";
import { describeFences } from "./fences.ts";
import { describeInspect } from "./inspect.ts";
import { describeKeys } from "./keys.ts";
import { describeLimits } from "./limits.ts";
import { describeLine } from "./line.ts";
import type { OpenLockStore } from "./lock-store-under-test.ts";
import { describeRelease } from "./release.ts";
import { describeTakenOver } from "./taken-over.ts";
import { describeTimeToLive } from "./time-to-live.ts";

/** What the contract in `stores/lock/contract.ts` promises of every backend, and of one that has these features. */
export function describeLockStore(
  name: string,
  open: OpenLockStore,
  features: readonly LockFeature[] = ["clock", "fencing", "limits", "line"],
): void {
  describe(`${name} keeps the contract of a lock store`, () => {
    let store: LockStore;
    beforeEach(() => {
      store = open("locks");
    });

    describe("acquire", () => describeAcquire(() => store));
    describe("extend", () => describeExtend(() => store));
    describe("release", () => describeRelease(() => store));
    describe("a time to live", () => describeTimeToLive(() => store));
    describe("a lock that has expired and is another's now", () => describeTakenOver(() => store));
    describe("many at once", () => describeConcurrency(open, features.includes("fencing")));
    describe("keys", () => describeKeys(() => store, open));
    describe("inspect", () => describeInspect(() => store));
    if (features.includes("fencing")) describe("a fence", () => describeFences(() => store, open));
    if (features.includes("limits")) describe("a limit", () => describeLimits(() => store));
    if (features.includes("line")) describe("a line", () => describeLine(() => store, open));

    it("promises what it is tested for, and nothing else", () => {
      expect([...store.features].toSorted()).to.deep.equal([...features].toSorted());
    });
  });
}
