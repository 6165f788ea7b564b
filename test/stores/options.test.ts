import { inspect } from "node:util";
import { expect } from "chai";
import {
  assertCount,
  assertDurationMs,
  assertFunction,
  assertOneOf,
  assertOptionNames,
} from "../../stores/options.ts";

type Check = (value: unknown) => void;

const CHECKS: Readonly<
  Record<string, { check: Check; valid: readonly unknown[]; invalid: readonly unknown[]; says: string }>
> = {
  assertCount: {
    check: (value) => assertCount(value, "here: count"),
    valid: [1, 1000, Number.MAX_SAFE_INTEGER],
    invalid: [0, -1, 1.5, NaN, Infinity, "1", null, undefined, 1n, 2 ** 53],
    says: "here: count must be a whole number of at least 1, not ",
  },
  "assertCount with a bound": {
    check: (value) => assertCount(value, "here: count", 64),
    valid: [1, 64],
    invalid: [65, 0],
    says: "here: count must be a whole number from 1 to 64, not ",
  },
  assertDurationMs: {
    check: (value) => assertDurationMs(value, "here: ttlMs"),
    valid: [0.5, 1, 86_400_000],
    invalid: [0, -1, NaN, Infinity, "100", null, undefined],
    says: "here: ttlMs must be a positive number of milliseconds, not ",
  },
  assertOneOf: {
    check: (value) => assertOneOf(value, "here: mode", ["a", "b", "c"]),
    valid: ["a", "c"],
    invalid: ["d", "", "A", undefined, ["a"], new String("a")],
    says: 'here: mode must be "a", "b" or "c", not ',
  },
  assertFunction: {
    check: (value) => assertFunction(value, "here: key"),
    valid: [undefined, () => {}, Date],
    invalid: [null, "key", {}, 1],
    says: "here: key must be a function, not ",
  },
};

describe("the checks of options", () => {
  for (const [name, { check, valid, invalid, says }] of Object.entries(CHECKS)) {
    for (const value of valid) {
      it(`${name} takes ${inspect(value)}`, () => {
        expect(() => check(value)).to.not.throw();
      });
    }
    for (const value of invalid) {
      it(`${name} throws a TypeError for ${inspect(value)}`, () => {
        expect(() => check(value)).to.throw(TypeError, says);
      });
    }
  }

  it("name what they were given, but no object's content, and no string that may be a secret", () => {
    const given = (value: unknown): string => {
      try {
        assertCount(value, "n");
        return "";
      } catch (error) {
        return (error as Error).message.replace(/^.*, not /, "");
      }
    };
    expect(given("7")).to.equal('"7"');
    expect(given("s".repeat(41))).to.equal("a longer string");
    expect(given("redis://:s3cret@host")).to.equal("a URL");
    expect([given(["secret"]), given({ secret: 1 }), given(() => "secret"), given(null)]).to.deep.equal([
      "an array",
      "an object",
      "a function",
      "null",
    ]);
  });
});

describe("assertOptionNames", () => {
  const check = (options: object): void =>
    assertOptionNames<{ limit?: number; maxAgeMs?: number }>("here", options, ["limit", "maxAgeMs"], {
      max: 'use "limit"',
    });

  it("takes known options, and unknown ones that are undefined", () => {
    check({ limit: 1, maxAgeMs: undefined });
    check({ colour: undefined });
    check({});
  });

  for (const [option, advice] of Object.entries({
    max: 'use "limit"',
    maxAge: 'use "maxAgeMs"',
    maxage: 'use "maxAgeMs"',
    LIMIT: 'use "limit"',
    colour: "there are limit, maxAgeMs",
    constructor: "there are limit, maxAgeMs",
    toString: "there are limit, maxAgeMs",
  })) {
    it(`says of ${option}: ${advice}`, () => {
      expect(() => check({ [option]: 1 })).to.throw(TypeError, `here: unknown option "${option}"; ${advice}`);
    });
  }

  for (const options of [null, undefined, "limit", 1]) {
    it(`throws a TypeError for options of ${String(options)}`, () => {
      expect(() => check(options as unknown as object)).to.throw(
        TypeError,
        options === undefined ? "here: options are missing" : "here: options must be an object",
      );
    });
  }

  it("assertDurationMs throws a TypeError for more than a timer can count, which would fire at once", () => {
    expect(() => assertDurationMs(2 ** 31, "here: ttlMs")).to.throw(TypeError, "at most 2147483647");
    expect(() => assertDurationMs(2 ** 31 - 1, "here: ttlMs")).not.to.throw();
  });
});
