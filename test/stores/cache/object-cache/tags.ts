import { expect } from "chai";
import { createGate } from "../../../support/gate.ts";
import { failure, LONG_MS, type MakeCache } from "./under-test.ts";

export function describeTags(make: MakeCache): void {
  it("forgets all values of a tag, in every process and under every name", async () => {
    const [a, b] = [make({ name: "a" }, 0), make({ name: "b" }, 1)];
    await a.set("1", "tagged", { tags: ["t", "u"] });
    await a.getOrLoad("2", () => "tagged", { tags: ["t"] });
    await b.getOrLoad("3", async ({ addTags }) => (await addTags("t"), "tagged"), { tags: ["u"] });
    await a.set("4", "other", { tags: ["u"] });
    expect(await b.get("3")).to.equal("tagged");
    await b.purgeTags(["t"]);
    expect(await Promise.all(["1", "2", "4"].map((key) => a.get(key)))).to.deep.equal([
      undefined,
      undefined,
      "other",
    ]);
    expect(await b.get("3")).to.equal(undefined);
    expect(await a.getOrLoad("2", () => "anew", { tags: ["t"] })).to.equal("anew");
    expect(await a.get("2")).to.equal("anew");
  });

  it("forgets what is being loaded as its tag is purged", async () => {
    const [cache, other] = [make({}, 0), make({}, 1)];
    for (const how of ["of the call", "of the loader"]) {
      const gate = createGate();
      const tags = how === "of the call" ? ["t"] : [];
      const loaded = cache.getOrLoad(
        "k",
        async ({ addTags }) => {
          if (how === "of the loader") await addTags("t");
          await gate.pass();
          return "old";
        },
        { tags },
      );
      await gate.reached;
      await other.purgeTags(["t"]);
      gate.open();
      expect(await loaded).to.equal("old");
      expect(await cache.get("k"), how).to.equal(undefined);
    }
  });

  it("keeps no value without a tag that its loader did not wait for", async () => {
    const cache = make();
    const loaded = await cache.getOrLoad("k", ({ addTags }) => (void addTags("t"), "tagged"));
    expect(loaded).to.equal("tagged");
    expect(await cache.get("k")).to.equal("tagged");
    await cache.purgeTags(["t"]);
    expect(await cache.get("k")).to.equal(undefined);
  });

  it("gives the caller the mistake of a loader that did not wait for its tags", async () => {
    const cache = make();
    const wrong = cache.getOrLoad("k", ({ addTags }) => (void addTags(""), "untagged"));
    expect(await failure(wrong)).to.be.instanceOf(TypeError);
    expect(await cache.get("k")).to.equal(undefined);
    const failing = cache.getOrLoad("k", ({ addTags }) => {
      void addTags("");
      throw new Error("failed");
    });
    expect(String(await failure(failing))).to.equal("Error: failed");
  });

  it("keeps what is softly purged for its grace alone", async () => {
    const cache = make({ graceMs: LONG_MS });
    await cache.set("k", "stale", { tags: ["t"] });
    await cache.purgeTags(["t"], { soft: true });
    expect(await cache.get("k")).to.equal(undefined);
    const options = { tags: ["t"] };
    expect(await cache.getOrLoad("k", () => Promise.reject(new Error("failed")), options)).to.equal("stale");
    expect(await cache.getOrLoad("k", () => "anew", options)).to.equal("anew");
    expect(await cache.get("k")).to.equal("anew");
  });

  it("loads anew what is kept without a tag that it is asked for with", async () => {
    const cache = make();
    await cache.set("k", "untagged");
    expect(await cache.getOrLoad("k", () => "tagged", { tags: ["t"] })).to.equal("tagged");
    expect(await cache.getOrLoad("k", () => "again", { tags: ["t"] })).to.equal("tagged");
  });

  it("refuses tags that are none", async () => {
    const cache = make();
    for (const tags of [["", "a"], "text", [1], Array.from({ length: 256 }, String)]) {
      const wrong = cache.getOrLoad("k", () => 1, { tags: tags as string[] });
      expect(await failure(wrong)).to.be.instanceOf(TypeError);
      expect(await failure(cache.purgeTags(tags as string[]))).to.be.instanceOf(TypeError);
    }
  });
}
