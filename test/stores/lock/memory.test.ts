import { expect } from "chai";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";

describe("MemoryLockStore", () => {
  it("forgets locks that have expired and that nobody asks for again", async () => {
    let now = 0;
    const store = new MemoryLockStore({ now: () => now });
    for (let at = 0; at < 10_000; at++) {
      now += 1;
      await store.acquire({ key: `job ${at}`, owner: "me", ttlMs: 10 });
    }
    // Ten live at any time; twice as many, and some, may wait for their turn.
    expect(store.size).to.be.below(40);
  });

  it("forgets them after a burst, on the way of later requests", async () => {
    let now = 0;
    const store = new MemoryLockStore({ now: () => now });
    for (let at = 0; at < 1000; at++) await store.acquire({ key: `burst ${at}`, owner: "me", ttlMs: 10 });
    expect(store.size).to.equal(1000);
    now += 10;
    for (let at = 0; at < 600; at++) {
      await store.acquire({ key: "one", owner: "me", ttlMs: 10 });
      await store.release("one", "me");
    }
    expect(store.size).to.be.below(5);
  });

  it("forgets none that is held", async () => {
    let now = 0;
    const store = new MemoryLockStore({ now: () => now });
    for (let at = 0; at < 100; at++) await store.acquire({ key: `held ${at}`, owner: "me", ttlMs: 1000 });
    for (let at = 0; at < 1000; at++) {
      now += 0.9;
      await store.acquire({ key: `short ${at}`, owner: "me", ttlMs: 1 });
    }
    for (let at = 0; at < 100; at++) {
      expect((await store.acquire({ key: `held ${at}`, owner: "other", ttlMs: 1 })).acquired).to.equal(false);
    }
  });

  it("refuses an option that it does not have", () => {
    expect(() => new MemoryLockStore({ clock: () => 0 } as object)).to.throw(TypeError, "clock");
  });
});
