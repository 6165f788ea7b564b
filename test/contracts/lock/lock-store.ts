import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { describeAcquire } from "./acquire.ts";
import { describeConcurrency } from "./concurrency.ts";
import { describeExtend } from "./extend.ts";
import { describeKeys } from "./keys.ts";
import type { OpenLockStore } from "./lock-store-under-test.ts";
import { describeRelease } from "./release.ts";
import { describeTakenOver } from "./taken-over.ts";
import { describeTimeToLive } from "./time-to-live.ts";

/** What the contract in `stores/lock/contract.ts` promises of every backend. */
export function describeLockStore(name: string, open: OpenLockStore): void {
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
    describe("many at once", () => describeConcurrency(open));
    describe("keys", () => describeKeys(() => store, open));
  });
}
