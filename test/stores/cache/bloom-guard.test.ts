import { expect } from "chai";
import fc from "fast-check";
import { BloomGuard } from "express-redis-suite/stores/cache/bloom-guard";
import { createGate } from "../../support/gate.ts";

describe("BloomGuard", () => {
  it("knows every key that it was filled with, or told later", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.string()), fc.uniqueArray(fc.string()), async (filled, added) => {
        const guard = new BloomGuard({ expectedKeys: 20 });
        await guard.fill(filled);
        for (const key of added) guard.add(key);
        expect([...filled, ...added].every((key) => guard.mayExist(key))).to.equal(true);
      }),
    );
  });

  for (const falsePositiveRate of [0.1, 0.01, 0.001]) {
    it(`lets through about ${falsePositiveRate} of the keys that do not exist`, async () => {
      const guard = new BloomGuard({ expectedKeys: 5000, falsePositiveRate });
      await guard.fill(keys("there", 5000));
      const passed = [...keys("made-up", 60_000)].filter((key) => guard.mayExist(key)).length / 60_000;
      expect(passed).to.be.within(falsePositiveRate / 4, falsePositiveRate * 2);
      expect(guard.estimatedFalsePositiveRate).to.be.within(falsePositiveRate / 2, falsePositiveRate * 2);
    });
  }

  it("lets every key through until it has been filled once", async () => {
    const guard = new BloomGuard({ expectedKeys: 10 });
    expect(guard.mayExist("made-up")).to.equal(true);
    expect(guard.estimatedFalsePositiveRate).to.equal(1);
    const gate = createGate();
    const filled = guard.fill(slowly(["there"], gate));
    await gate.reached;
    expect(guard.mayExist("made-up")).to.equal(true);
    gate.open();
    await filled;
    expect(guard.mayExist("made-up")).to.equal(false);
  });

  it("knows what it was told before it was filled once, whether or not the first attempt fails", async () => {
    const guard = new BloomGuard({ expectedKeys: 100, falsePositiveRate: 1e-6 });
    guard.add("before");
    const gate = createGate();
    const failed = guard.fill(failingAt(gate)).catch(() => {});
    await gate.reached;
    guard.add("meanwhile");
    gate.open();
    await failed;
    await guard.fill(the("filled"));
    const known = ["before", "meanwhile", "filled", "neither"].filter((key) => guard.mayExist(key));
    expect(known).to.deep.equal(["before", "meanwhile", "filled"]);
  });

  it("goes by both filters while the second is being filled, then by that one", async () => {
    const guard = new BloomGuard({ expectedKeys: 100 });
    await guard.fill(the("old", "both"));
    const gate = createGate();
    const filled = guard.fill(slowly(["new", "both"], gate));
    await gate.reached;
    guard.add("added");
    const known = (): string[] => ["old", "new", "both", "added", "neither"].filter((k) => guard.mayExist(k));
    expect(known()).to.deep.equal(["old", "new", "both", "added"]);
    gate.open();
    await filled;
    expect(known()).to.deep.equal(["new", "both", "added"]);
  });

  for (const [what, wrong] of Object.entries({
    "one string": "abc",
    numbers: [1, 2],
    "rows of a table": [{ id: "there" }],
    "a promise of keys": Promise.resolve(["there"]),
    nothing: undefined,
  })) {
    it(`is not filled with ${what}, which would let no key through that exists`, async () => {
      const guard = new BloomGuard({ expectedKeys: 10 });
      const error = await guard.fill(wrong as Iterable<string>).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(TypeError);
      expect(String(error)).to.match(/BloomGuard: .*strings?/);
      expect(guard.mayExist("there")).to.equal(true);
    });
  }

  it("refuses a key that is no string", () => {
    const guard = new BloomGuard({ expectedKeys: 10 });
    expect(() => guard.add(7 as unknown as string)).to.throw(TypeError, "a key must be a string, not number");
  });

  it("keeps the filter before where the keys cannot all be read", async () => {
    const guard = new BloomGuard({ expectedKeys: 100 });
    await guard.fill(the("old"));
    const error = await guard.fill(failing()).catch((thrown: unknown) => thrown);
    expect(String(error)).to.contain("no more");
    expect(["old", "new"].filter((key) => guard.mayExist(key))).to.deep.equal(["old"]);
    await guard.fill(the("new"));
    expect(guard.mayExist("new")).to.equal(true);
  });

  it("refuses a second fill beside the first", async () => {
    const guard = new BloomGuard({ expectedKeys: 100 });
    const gate = createGate();
    const first = guard.fill(slowly(["a"], gate));
    const second = await guard.fill(the("b")).catch((thrown: unknown) => thrown);
    expect(String(second)).to.contain("being filled already");
    gate.open();
    await first;
    expect(guard.mayExist("a")).to.equal(true);
  });

  it("says which option is wrong", () => {
    const made = (options: object) => () => new BloomGuard(options as { expectedKeys: number });
    expect(made({})).to.throw(TypeError, "expectedKeys");
    expect(made({ expectedKeys: 1, falsePositiveRate: 1 })).to.throw(TypeError, "falsePositiveRate");
    expect(made({ expectedKeys: 2 ** 40 })).to.throw(TypeError, "bits");
    expect(made({ expectedKeys: 1, hashes: 2 })).to.throw(TypeError, '"hashes"');
  });
});

/** Not an array, which a linter takes `fill` for the method of. */
function the(...some: readonly string[]): Iterable<string> {
  return some;
}

function* keys(kind: string, count: number): Generator<string> {
  for (let at = 0; at < count; at += 1) yield `${kind}-${at}`;
}

async function* slowly(some: readonly string[], gate: ReturnType<typeof createGate>): AsyncGenerator<string> {
  yield* some;
  await gate.pass();
}

async function* failingAt(gate: ReturnType<typeof createGate>): AsyncGenerator<string> {
  yield* slowly([], gate);
  throw new Error("no more");
}

function* failing(): Generator<string> {
  yield "new";
  throw new Error("no more");
}
