import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import {
  ALGORITHMS,
  failureOf,
  HOUR_MS,
  pause,
  policy,
  remainders,
  take,
} from "../../contracts/rate-limit/under-test.ts";
import { countCommands } from "../../support/command-counts.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";
import { useLimiterProcesses, type Hammered, type Order } from "./limiter-processes.ts";

describe("LeasedRateLimitStore", () => {
  const many = policySet([policy("fixed-window", 1_000_000)]);

  it("asks Redis for a hot key seldom enough", async () => {
    const leased = new LeasedRateLimitStore({
      store: new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS }),
    });
    await take(leased, { policies: many });
    const counts = await countCommands(redis(), async () => {
      for (let burst = 0; burst < 20; burst++) {
        await Promise.all(Array.from({ length: 50 }, () => take(leased, { policies: many })));
      }
    });
    const commands = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(commands / 1000, "commands per request")
      .to.be.at.most(0.15)
      .and.above(0);
  });

  describe("the size of a lease", () => {
    it("doubles each time one is used up, up to the most that is allowed", async () => {
      const { store, asked } = recording();
      const leased = new LeasedRateLimitStore({ store, units: 8 });
      for (let unit = 0; unit < 24; unit++) await take(leased, { policies: many });
      expect(asked).to.deep.equal([1, 2, 4, 8, 8, 8]);
    });

    it("halves when one ran out unspent", async () => {
      const { store, asked } = recording();
      const leased = new LeasedRateLimitStore({ store, units: 8 });
      const brief = policySet([policy("fixed-window", 1000, { windowMs: 60 })]);
      for (let unit = 0; unit < 8; unit++) await take(leased, { policies: brief });
      await pause(70);
      await take(leased, { policies: brief });
      expect(asked).to.deep.equal([1, 2, 4, 8, 4]);
    });

    it("follows a cost that is higher, and keeps what was left", async () => {
      const { store, asked } = recording();
      const leased = new LeasedRateLimitStore({ store, units: 4 });
      for (const cost of [1, 1, 9, 1]) await take(leased, { policies: many, cost });
      expect(asked).to.deep.equal([1, 2, 9]);
    });

    it("is what is left, where less is left than it would be", async () => {
      const { store, asked } = recording();
      const leased = new LeasedRateLimitStore({ store, units: 8 });
      const ten = policySet([policy("fixed-window", 10)]);
      for (let unit = 0; unit < 10; unit++) await take(leased, { policies: ten });
      expect(asked).to.deep.equal([1, 2, 4, 8, 3]);
      expect((await leased.consume("k", ten, 1)).allowed).to.equal(false);
    });
  });

  it("lets calls that come while units are on their way share those", async () => {
    const { store, asked } = recording();
    const leased = new LeasedRateLimitStore({ store, units: 100 });
    await Promise.all(Array.from({ length: 63 }, () => take(leased, { policies: many })));
    expect(asked).to.deep.equal([1, 2, 4, 8, 16, 32]);
  });

  it("tells which decisions were its own", async () => {
    const leased = new LeasedRateLimitStore({ store: new MemoryRateLimitStore() });
    const sources: string[] = [];
    for (let unit = 0; unit < 5; unit++) sources.push((await leased.consume("k", many, 1)).source);
    expect(sources).to.deep.equal(["store", "store", "lease", "store", "lease"]);
  });

  it("spends no unit after the window that it was charged to", async () => {
    const store = new MemoryRateLimitStore();
    const leased = new LeasedRateLimitStore({ store });
    const brief = policySet([policy("fixed-window", 1000, { windowMs: 60 })]);
    for (let unit = 0; unit < 4; unit++) await take(leased, { policies: brief });
    await pause(70);
    expect((await leased.consume("k", brief, 1)).source).to.equal("store");
  });

  it("gives refunded units to its next caller, or back to the store once their lease is used up", async () => {
    const store = new MemoryRateLimitStore();
    const leased = new LeasedRateLimitStore({ store });
    const five = policySet([policy("fixed-window", 5)]);
    const first = await take(leased, { policies: five });
    const second = await take(leased, { policies: five });
    await leased.refund("k", five, second);
    expect(await remainders(store, five)).to.deep.equal([2]);
    expect(await remainders(leased, five)).to.deep.equal([4]);
    await leased.refund("k", five, first);
    expect(await remainders(store, five)).to.deep.equal([3]);
    expect(await remainders(leased, five)).to.deep.equal([5]);
  });

  it("drops its units when the key is charged, blocked or reset", async () => {
    const actions: Record<string, (leased: LeasedRateLimitStore) => Promise<void>> = {
      charged: (leased) => leased.charge("k", many, 1),
      blocked: (leased) => leased.block("k", HOUR_MS),
      reset: (leased) => leased.reset("k", many),
    };
    for (const [name, action] of Object.entries(actions)) {
      const leased = new LeasedRateLimitStore({ store: new MemoryRateLimitStore() });
      for (let unit = 0; unit < 2; unit++) await take(leased, { policies: many });
      await action(leased);
      expect((await leased.consume("k", many, 1)).source, name).to.equal("store");
    }
  });

  it("rejects while its store does, and asks again with the next call", async () => {
    const leased = new LeasedRateLimitStore({ store: failingStore() });
    const calls = await Promise.allSettled(Array.from({ length: 10 }, () => leased.consume("k", many, 1)));
    expect(calls.map(({ status }) => status)).to.deep.equal(Array.from({ length: 10 }, () => "rejected"));
    expect(await failureOf(leased.consume("k", many, 1))).to.have.property("code", "STORE_UNAVAILABLE");
  });

  it("refuses to lease what is charged to the moment it is taken", async () => {
    const leased = new LeasedRateLimitStore({ store: new MemoryRateLimitStore() });
    for (const algorithm of ALGORITHMS.filter((name) => name !== "fixed-window")) {
      const mixed = policySet([policy("fixed-window", 5), policy(algorithm, 5, { name: "other" })]);
      const failure = await failureOf(leased.consume("k", mixed, 1));
      expect(failure)
        .to.be.instanceOf(TypeError)
        .with.property("message")
        .that.includes(`"other"`)
        .and.includes(algorithm);
    }
  });

  it("names the option that is invalid", () => {
    const make = (options: object) => (): unknown =>
      new LeasedRateLimitStore({ store: new MemoryRateLimitStore(), ...options });
    expect(make({ store: undefined })).to.throw(TypeError, "store must be a RateLimitStore");
    expect(make({ units: 0 })).to.throw(TypeError, "units must be a whole number of at least 1, not 0");
    expect(make({ maxKeys: 1.5 })).to.throw(
      TypeError,
      "maxKeys must be a whole number of at least 1, not 1.5",
    );
  });
});

/** A store in memory, and the costs it was asked for. */
function recording(): { store: RateLimitStore; asked: number[] } {
  const asked: number[] = [];
  const memory = new MemoryRateLimitStore();
  const consume: RateLimitStore["consume"] = (key, policies, cost) => {
    asked.push(cost);
    return memory.consume(key, policies, cost);
  };
  const store = new Proxy<RateLimitStore>(memory, {
    get: (target, property: keyof RateLimitStore) =>
      property === "consume" ? consume : target[property].bind(target),
  });
  return { store, asked };
}

describe("four processes with leases, two of which are killed", function () {
  this.timeout(60_000);
  const processes = useLimiterProcesses(4, redisUrl);

  it("never spend more than the limit of any window, nor a unit after its window", async () => {
    const folder = await mkdtemp(join(tmpdir(), "leases-"));
    const journal = join(folder, "journal");
    const policies = policySet([policy("fixed-window", 100, { windowMs: 200 })]);
    const order: Order = {
      kind: "hammer",
      key: "k",
      policies: policies.list,
      inFlight: 50,
      forMs: 1600,
      leased: true,
      journal,
    };
    const hammered = processes().map((process) => failureOf(process.order<Hammered>(order)));
    for (const victim of processes().slice(0, 2)) {
      await pause(300 + Math.random() * 400);
      victim.kill();
    }
    await Promise.all(hammered);
    const units = (await readFile(journal, "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(" ").map(Number));
    await rm(folder, { recursive: true });

    const windows = new Map<number, number>();
    for (const [askedAt = NaN, end = NaN] of units) {
      expect(askedAt * 1000, "a unit asked for after its window").to.be.below(end);
      windows.set(end, (windows.get(end) ?? 0) + 1);
    }
    expect(windows.size, "windows").to.be.at.least(2);
    for (const spent of windows.values()) expect(spent).to.be.within(1, 100);
  });
});
