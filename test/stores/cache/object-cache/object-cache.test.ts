import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { onEachRedis } from "../../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../../support/shared-redis.ts";
import { describeEarlyRefresh, describeGrace } from "./grace.ts";
import { describeLeases } from "./leases.ts";
import { describeLoads } from "./loads.ts";
import { describeMany } from "./many.ts";
import { describeTags } from "./tags.ts";
import { makeCaches, type OpenStore } from "./under-test.ts";
import { describeValues } from "./values.ts";

describe("ObjectCache", () => {
  describe("in memory", () => {
    let store = new MemoryCacheStore();
    beforeEach(() => {
      store = new MemoryCacheStore();
    });
    describeObjectCache(() => store);
  });

  onEachRedis((_topology, client) => {
    describeObjectCache(
      (peer) => new RedisCacheStore({ client: client(peer), prefix: "cache", deadlineMs: PATIENT_MS }),
    );
  });
});

function describeObjectCache(open: OpenStore): void {
  const make = makeCaches(open);
  describe("values", () => describeValues(make, open));
  describe("loads", () => describeLoads(make));
  describe("leases", () => describeLeases(make, open));
  describe("grace", () => describeGrace(make));
  describe("early refresh", () => describeEarlyRefresh(make));
  describe("tags", () => describeTags(make));
  describe("many keys", () => describeMany(make));
}
