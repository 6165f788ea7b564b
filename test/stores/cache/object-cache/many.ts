import { expect } from "chai";
import { createGate } from "../../../support/gate.ts";
import { failure, LONG_MS, pause, type MakeCache } from "./under-test.ts";

export function describeMany(make: MakeCache): void {
  /** Makes `v:k` of each key but those that begin with a question mark, and writes down what it was asked for. */
  const recorder = (): {
    asked: string[][];
    loadMany: (keys: readonly string[]) => Promise<Map<string, unknown>>;
  } => {
    const asked: string[][] = [];
    return {
      asked,
      async loadMany(keys) {
        asked.push([...keys].toSorted());
        await pause(20);
        return new Map(keys.filter((key) => !key.startsWith("?")).map((key) => [key, `v:${key}`]));
      },
    };
  };

  it("loads all that is missing in one call, and keeps it", async () => {
    const cache = make();
    const { asked, loadMany } = recorder();
    await cache.set("kept", null);
    const keys = ["b", "kept", "a", "?", "b"];
    const expected = [
      ["b", "v:b"],
      ["kept", null],
      ["a", "v:a"],
    ];
    expect([...(await cache.getOrLoadMany(keys, loadMany))]).to.deep.equal(expected);
    expect(asked).to.deep.equal([["?", "a", "b"]]);
    expect([...(await cache.getOrLoadMany(keys, loadMany))]).to.deep.equal(expected);
    expect(asked.slice(1)).to.deep.equal([["?"]]);
    expect(await cache.getOrLoadMany([], loadMany)).to.deep.equal(new Map());
  });

  it("leaves to others what others load", async () => {
    const [cache, other] = [make({}, 0), make({}, 1)];
    const gate = createGate();
    const elsewhere = createGate();
    const here = cache.getOrLoad("here", async () => (await gate.pass(), "from here"));
    const there = other.getOrLoad("there", async () => (await elsewhere.pass(), "from there"));
    await Promise.all([gate.reached, elsewhere.reached]);
    const { asked, loadMany } = recorder();
    const many = cache.getOrLoadMany(["here", "mine", "there"], loadMany);
    while (asked.length === 0) await pause(5);
    gate.open();
    elsewhere.open();
    expect([...(await many)]).to.deep.equal([
      ["here", "from here"],
      ["mine", "v:mine"],
      ["there", "from there"],
    ]);
    expect(asked).to.deep.equal([["mine"]]);
    await Promise.all([here, there]);
  });

  it("loads each key once for several who ask for some of them in any order", async () => {
    const { asked, loadMany } = recorder();
    const [a, b] = [make({}, 0), make({}, 1)];
    const wanted = [
      ["1", "2", "3"],
      ["3", "2", "1"],
      ["2", "4"],
    ];
    await Promise.all(wanted.flatMap((keys) => [a, b].map((cache) => cache.getOrLoadMany(keys, loadMany))));
    expect(asked.flat().toSorted()).to.deep.equal(["1", "2", "3", "4"]);
  });

  it("rejects where the loader fails, and keeps nothing", async () => {
    const cache = make();
    const failing = cache.getOrLoadMany(["a", "b"], () => Promise.reject(new Error("failed")));
    expect(String(await failure(failing))).to.equal("Error: failed");
    expect(await cache.get("a")).to.equal(undefined);
  });

  it("says what is wrong where the loader makes no Map, and where one string stands for the keys", async () => {
    const cache = make();
    for (const made of [undefined, ["v:a"], { a: "v:a" }]) {
      const error = await failure(cache.getOrLoadMany(["a"], () => made as never));
      expect(String(error)).to.match(
        /^TypeError: ObjectCache\.getOrLoadMany: loader must make a Map, not (undefined|an array|an object)$/,
      );
    }
    for (const wrong of [cache.getOrLoadMany("ab" as never, () => new Map()), cache.warm("ab", () => 1)]) {
      expect(String(await failure(wrong))).to.contain('keys must be a list of strings, not "ab"');
    }
    expect(await cache.getOrLoadMany(["a", "b"], () => new Map())).to.deep.equal(new Map());
  });

  it("warms what is cold, and holds nothing up for what fails", async () => {
    const cache = make({ ttlMs: LONG_MS });
    await cache.set("0", "kept");
    let [now, most] = [0, 0];
    const loader = async ({ key }: { key: string }): Promise<string> => {
      most = Math.max(most, (now += 1));
      await pause(2);
      now -= 1;
      if (key === "7") throw new Error("failed");
      return `warm ${key}`;
    };
    const keys = Array.from({ length: 40 }, (_, at) => String(at));
    expect(await cache.warm(keys, loader)).to.deep.equal({ kept: 1, loaded: 38, failed: 1 });
    expect(await cache.get("39")).to.equal("warm 39");
    expect(await cache.get("0")).to.equal("kept");
    expect(most, "loads at once").to.be.within(2, 10);
  });
}
