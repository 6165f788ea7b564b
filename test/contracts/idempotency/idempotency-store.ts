import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { describeAbandon, describeExtend, describeTakenOver } from "./abandon-and-extend.ts";
import { describeBegin } from "./begin.ts";
import { describeComplete } from "./complete.ts";
import { describeConcurrency, describeKeys } from "./keys-and-concurrency.ts";
import { describeTimes } from "./times.ts";
import type { OpenIdempotencyStore } from "./under-test.ts";

/** What the contract in `stores/idempotency/contract.ts` promises of every backend. */
export function describeIdempotencyStore(name: string, open: OpenIdempotencyStore): void {
  describe(`${name} keeps the contract of an idempotency store`, () => {
    let store: IdempotencyStore;
    beforeEach(() => {
      store = open("idempotency");
    });

    describe("begin", () => describeBegin(() => store));
    describe("complete", () => describeComplete(() => store));
    describe("abandon", () => describeAbandon(() => store));
    describe("extend", () => describeExtend(() => store));
    describe("work that died and is another's now", () => describeTakenOver(() => store));
    describe("a time", () => describeTimes(() => store));
    describe("keys", () => describeKeys(() => store, open));
    describe("many at once", () => describeConcurrency(open));
  });
}
