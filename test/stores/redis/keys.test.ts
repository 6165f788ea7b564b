import { expect } from "chai";
import fc from "fast-check";
import { Command } from "ioredis";
import { assertPrefix, redisKey, secretKey } from "../../../stores/redis/keys.ts";

/** Ids as they come from outside: any UTF-16, with the characters that mean something made likely. */
const id = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom("{", "}", "*", "?", "[", "]", "\\", "^", "-", ":", "#", "a", "\0", "\n", " "), {
      maxLength: 8,
    })
    .map((parts) => parts.join("")),
  fc.string({ minLength: 120, maxLength: 300 }),
);
const prefix = fc.stringMatching(/^[\w.:/-]{1,20}$/);
const RUNS = { numRuns: 1000 };
const slotOf = (key: string): number => Number(new Command("get", [key]).getSlot());

describe("redisKey", () => {
  it("shows an ordinary id as it is", () => {
    expect(redisKey("app:cache", "user:42")).to.equal("app:cache:{user:42}");
    expect(redisKey("app:board", "Premier League 2015-16", ":counted")).to.equal(
      "app:board:{Premier League 2015-16}:counted",
    );
    expect(redisKey("p", "Zoë 日本")).to.equal("p:{Zoë 日本}");
  });

  it("hashes what is no ordinary id, to the same key in every version", () => {
    expect(redisKey("p", "{a}")).to.equal("p:{#9SymT88COAa-ErRIVCIpdG2C9WDY-BDr_vfZyZZupaM}");
    expect(redisKey("p", "")).to.equal("p:{#47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU}");
  });

  it("has one hash tag, whatever the id", () => {
    fc.assert(
      fc.property(prefix, id, (before, text) => {
        const key = redisKey(before, text, ":suffix");
        expect(key).to.match(/^[^{}]*\{[^{}]+\}:suffix$/);
      }),
      RUNS,
    );
  });

  it("lets no glob or control character of the id through", () => {
    fc.assert(
      fc.property(id, (text) => {
        // eslint-disable-next-line no-control-regex
        expect(redisKey("p", text)).to.not.match(/[*?[\]\\^\u0000-\u001f]/);
      }),
      RUNS,
    );
  });

  it("gives distinct ids distinct keys", () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        expect(redisKey("p", one) === redisKey("p", other)).to.equal(one === other);
      }),
      RUNS,
    );
  });

  it("never lets a plain id pass for a hashed one", () => {
    fc.assert(
      fc.property(id, (text) => {
        const tag = redisKey("p", text).slice("p:{".length, -1);
        if (tag !== text) expect(redisKey("p", tag)).to.not.equal(redisKey("p", text));
      }),
      RUNS,
    );
  });

  it("stays short", () => {
    fc.assert(
      fc.property(id, (text) => {
        expect(redisKey("p", text).length).to.be.at.most("p:{}".length + 128);
      }),
      RUNS,
    );
  });

  it("keeps all keys of one id in one slot, and leaves the slot to the id alone", () => {
    fc.assert(
      fc.property(prefix, prefix, id, (one, other, text) => {
        const slots = [redisKey(one, text), redisKey(one, text, ":counted"), redisKey(other, text)].map(
          slotOf,
        );
        expect(new Set(slots).size).to.equal(1);
      }),
      RUNS,
    );
  });

  it("spreads ids over the slots", () => {
    const slots = new Set(Array.from({ length: 1000 }, (_, at) => slotOf(redisKey("p", `user:${at}`))));
    expect(slots.size).to.be.above(900);
  });
});

describe("secretKey", () => {
  it("shows nothing of the secret, and is stable", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4 }), (secret) => {
        expect(secretKey("p", secret)).to.match(/^p:\{#[\w-]{43}\}$/);
        expect(secretKey("p", secret)).to.equal(secretKey("p", secret));
      }),
      RUNS,
    );
  });

  it("gives distinct secrets distinct keys", () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        expect(secretKey("p", one) === secretKey("p", other)).to.equal(one === other);
      }),
      RUNS,
    );
  });
});

describe("assertPrefix", () => {
  it("takes letters, digits and the usual separators", () => {
    for (const good of ["a", "my-app:v1.2/x_y", "x".repeat(64)])
      expect(() => assertPrefix(good)).to.not.throw();
  });

  for (const bad of ["", "{a}", "a*", "a?", "[a]", "a b", "a\n", "ä", "x".repeat(65), undefined, 1]) {
    it(`refuses ${JSON.stringify(bad)} with a TypeError`, () => {
      expect(() => assertPrefix(bad as string)).to.throw(TypeError, "prefix");
    });
  }
});
