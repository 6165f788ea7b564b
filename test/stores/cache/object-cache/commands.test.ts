import { expect } from "chai";
import { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { countCommands } from "../../../support/command-counts.ts";
import { PATIENT_MS, redis } from "../../../support/shared-redis.ts";

describe("what an object cache asks of Redis", () => {
  const cache = (): ObjectCache<unknown> => {
    const store = new RedisCacheStore({ client: redis(), prefix: "c", deadlineMs: PATIENT_MS });
    return new ObjectCache({ store, ttlMs: 60_000, load: { beta: 0 } });
  };
  const commands = async (action: () => Promise<unknown>): Promise<number> =>
    [...(await countCommands(redis(), action)).values()].reduce((sum, count) => sum + count, 0);

  it("is one command for a hit, for hits of one turn, and for a tagged hit that it has seen before", async () => {
    const objects = cache();
    await Promise.all(["a", "b", "c"].map((key) => objects.set(key, key)));
    await objects.set("tagged", 1, { tags: ["t"] });
    const never = (): never => {
      throw new Error("not asked");
    };
    const options = { tags: ["t"] };
    const hits: Record<string, () => Promise<unknown>> = {
      get: () => objects.get("a"),
      getOrLoad: () => objects.getOrLoad("a", never),
      "several getOrLoad": () => Promise.all(["a", "b", "c"].map((key) => objects.getOrLoad(key, never))),
      getOrLoadMany: () => objects.getOrLoadMany(["a", "b", "c"], never),
      tagged: () => objects.getOrLoad("tagged", never, options),
      "tagged, by get": () => objects.get("tagged"),
    };
    const elsewhere = cache();
    expect(await commands(() => elsewhere.get("tagged"))).to.equal(2);
    hits["tagged, by another process"] = () => elsewhere.get("tagged");
    for (const [name, hit] of Object.entries(hits)) expect(await commands(hit), name).to.equal(1);
  });

  it("is three commands for a miss: it reads, leads and fills", async () => {
    const objects = cache();
    await objects.getOrLoad("so that scripts are known", () => 1);
    expect(await commands(() => objects.getOrLoad("k", () => 1))).to.equal(3);
  });
});
