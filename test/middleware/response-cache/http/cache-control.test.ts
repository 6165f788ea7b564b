import { expect } from "chai";
import fc from "fast-check";
import { parseCacheControl } from "../../../../middleware/response-cache/http/cache-control.ts";

const REFUSALS = ["no-store", "no-cache", "private", "must-revalidate", "proxy-revalidate"];

describe("parseCacheControl", () => {
  it("reads nothing out of a field that is absent or empty", () => {
    for (const value of [undefined, "", " ", ",", " , ,"]) {
      const directives = parseCacheControl(value);
      expect(directives.malformed).to.equal(false);
      expect(directives.has("")).to.equal(false);
      expect(directives.seconds("max-age")).to.equal(undefined);
    }
  });

  it("reads names in any case, with blanks and empty members between them", () => {
    const directives = parseCacheControl(" No-Store ,, MaX-aGe=60\t,pUbLiC,");
    expect(directives.has("no-store")).to.equal(true);
    expect(directives.isBare("public")).to.equal(true);
    expect(directives.seconds("max-age")).to.equal(60);
    expect(directives.malformed).to.equal(false);
  });

  const times: Record<string, number> = {
    "max-age=0": 0,
    "max-age=003600": 3600,
    'max-age="3600"': 3600,
    "max-age=2147483647": 2147483647,
    "max-age=2147483648": 2147483648,
    "max-age=99999999999999999999999": 2147483648,
    "max-age=1800, max-age=1": 1,
    "max-age=1, max-age=1800": 1,
    "max-age=60, max-age=x": 0,
    "max-age": 0,
    "max-age=": 0,
    'max-age=""': 0,
    "max-age=-3600": 0,
    "max-age=3600.5": 0,
    "max-age=+60": 0,
    "max-age=a60": 0,
    "max-age=60a": 0,
    "max-age='60'": 0,
    'max-age=" 60"': 0,
    "max-age =60": 0,
    "max-age= 60": 0,
    "max-age=60 60": 0,
    "max-age=٣": 0,
  };
  for (const [text, seconds] of Object.entries(times)) {
    it(`reads ${text} as ${seconds} seconds`, () => {
      expect(parseCacheControl(text).seconds("max-age")).to.equal(seconds);
    });
  }

  it("takes what stands in quotes for an argument, commas and escapes included", () => {
    const directives = parseCacheControl('ext="no-store, \\"private\\", max-age=1", max-age=60');
    expect(directives.malformed).to.equal(false);
    expect(REFUSALS.some((name) => directives.has(name))).to.equal(false);
    expect(directives.seconds("max-age")).to.equal(60);
  });

  it("takes a directive with fields for the one without", () => {
    for (const text of ['private="set-cookie"', 'private=""', "private=x", 'PRIVATE="a, b"', "private="]) {
      expect(parseCacheControl(text).has("private"), text).to.equal(true);
    }
    expect(parseCacheControl('no-cache="x", max-age=60').has("no-cache")).to.equal(true);
  });

  it("gives no permission for one that has an argument", () => {
    expect(parseCacheControl("public=no").isBare("public")).to.equal(false);
    expect(parseCacheControl("public, public=no").isBare("public")).to.equal(false);
    expect(parseCacheControl("public; private").isBare("public")).to.equal(false);
  });

  const mangled = [
    'max-age=60, ext="no-store',
    'x="a" no-store',
    "max-age=60; no-store",
    "@no-store@",
    '"no-store"',
    "no-store\u0000",
    "max-age=60 no-store",
    'ext="\\", no-store',
    "{no-store: true}",
    "=no-store",
  ];
  for (const text of mangled) {
    it(`finds the refusal in ${JSON.stringify(text)}, and says that it is no list`, () => {
      expect(parseCacheControl(text).malformed).to.equal(true);
      expect(parseCacheControl(text).has("no-store")).to.equal(true);
    });
  }

  it("knows no directive by the name of a member of objects", () => {
    const directives = parseCacheControl("max-age=60");
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect(directives.has(name)).to.equal(false);
      expect(directives.seconds(name)).to.equal(undefined);
    }
  });

  const piece = fc.oneof(
    fc.constantFrom(...REFUSALS, "max-age=60", ",", '"', "\\", "=", ";", " ", "public", "\t", "ä", "\u0000"),
    fc.string({ maxLength: 4 }),
  );

  it("never throws, and counts in whole seconds that are not negative", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const seconds = parseCacheControl(pieces.join("")).seconds("max-age") ?? 0;
        expect(Number.isInteger(seconds) && seconds >= 0 && seconds <= 2 ** 31).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it("overlooks no refusal that is not in the quotes of a valid list", () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom(...REFUSALS),
        fc.array(piece, { maxLength: 8 }),
        (before, refusal, after) => {
          const text = `${before.join("")},${refusal},${after.join("")}`;
          const directives = parseCacheControl(text);
          const quotedAway = !directives.malformed && text.includes('"');
          expect(quotedAway || directives.has(refusal)).to.equal(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("reads back every list that is written by the grammar", () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9!#$%&'*+.^_`|~-]{0,6}$/);
    const argument = fc.oneof(
      fc.constant(undefined),
      token,
      fc.string({ maxLength: 6 }).map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(token, argument), { maxLength: 6 }), (members) => {
        const text = members
          .map(([name, value]) => (value === undefined ? name : `${name}=${value}`))
          .join(" ,\t");
        const directives = parseCacheControl(text);
        expect(directives.malformed).to.equal(false);
        for (const [name] of members) expect(directives.has(name)).to.equal(true);
      }),
    );
  });
});
