import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { GuardedRateLimitStore } from "express-redis-suite/stores/rate-limit/guarded";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { describeRateLimitStore } from "./describe-store.ts";
import type { OpenRateLimitStore } from "./under-test.ts";
import { onEachRedis } from "../redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

describe("rate limit stores", () => {
  describe("in memory", () => {
    describeRateLimitStore(
      "MemoryRateLimitStore",
      onePerPrefix(() => new MemoryRateLimitStore()),
    );
    describeRateLimitStore("GuardedRateLimitStore", onePerPrefix(guarded));
    describeRateLimitStore("LeasedRateLimitStore", onePerPrefix(leasedInMemory), ["fixed-window"]);
  });

  onEachRedis((_topology, client) => {
    const open = (prefix: string, peer?: number): RedisRateLimitStore =>
      new RedisRateLimitStore({ client: client((peer ?? 0) % 4), prefix, deadlineMs: PATIENT_MS });
    describeRateLimitStore("RedisRateLimitStore", onePerPrefix(open, { peers: true }));
    const leased = (prefix: string): RateLimitStore => new LeasedRateLimitStore({ store: open(prefix) });
    describeRateLimitStore("LeasedRateLimitStore", onePerPrefix(leased), ["fixed-window"]);
  });
});

function guarded(): RateLimitStore {
  return new GuardedRateLimitStore({
    store: new MemoryRateLimitStore(),
    fallback: new MemoryRateLimitStore(),
  });
}

function leasedInMemory(): RateLimitStore {
  return new LeasedRateLimitStore({ store: new MemoryRateLimitStore() });
}

/**
 * One store a prefix for the time of a test, or one a prefix and peer, as in as many processes: each remembers what it
 * refused on its own.
 */
function onePerPrefix(make: OpenRateLimitStore, { peers = false } = {}): OpenRateLimitStore {
  let stores = new Map<string, RateLimitStore>();
  beforeEach(() => {
    stores = new Map();
  });
  return (prefix, peer = 0) => {
    const id = peers ? `${peer} ${prefix}` : prefix;
    const store = stores.get(id) ?? make(prefix, peer);
    stores.set(id, store);
    return store;
  };
}
