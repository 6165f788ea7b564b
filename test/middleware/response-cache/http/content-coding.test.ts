import { expect } from "chai";
import fc from "fast-check";
import { negotiate, type ContentCoding } from "../../../../middleware/response-cache/http/content-coding.ts";

const ALL: readonly ContentCoding[] = ["identity", "gzip", "br"];

describe("negotiate", () => {
  const codings: [string | undefined, ContentCoding | undefined][] = [
    [undefined, "identity"],
    ["", "identity"],
    ["gzip", "gzip"],
    ["br", "br"],
    ["gzip, br", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["GZIP;Q=1, Br ; q=0.5", "gzip"],
    ["gzip;q=0.1", "gzip"],
    ["gzip;q=0.001", "gzip"],
    ["gzip;q=0", "identity"],
    ["gzip;q=0.000, br;q=0", "identity"],
    ["x-gzip", "gzip"],
    ["identity", "identity"],
    ["identity, gzip;q=0.5", "identity"],
    ["identity;q=0.5, gzip;q=0.5", "gzip"],
    ["identity;q=0", undefined],
    ["identity;q=0, gzip", "gzip"],
    ["*", "br"],
    ["*;q=0", undefined],
    ["*;q=0, identity", "identity"],
    ["*;q=0, gzip;q=0.2", "gzip"],
    ["br;q=0, *", "gzip"],
    ["gzip;q=0.5, *;q=0.1", "gzip"],
    ["deflate", "identity"],
    ["gzip;q=2", "identity"],
    ["gzip;q=-1", "identity"],
    ["gzip;q=0.1234", "identity"],
    ["gzip;q=", "identity"],
    ["gzip;q=x, br;q=0.1", "br"],
    ["gzip;level=9", "identity"],
    ["gzip br", "identity"],
    ['"gzip"', "identity"],
    ["gzip, gzip;q=0", "identity"],
    ["gzip;q=0, gzip", "identity"],
    [",,gzip,", "gzip"],
  ];
  for (const [text, expected] of codings) {
    it(`reads ${JSON.stringify(text)} as ${expected ?? "none at all"}`, () => {
      expect(negotiate(text, ALL)).to.equal(expected);
    });
  }

  it("chooses among those that there are", () => {
    expect(negotiate("br, gzip;q=0.5", ["identity", "gzip"])).to.equal("gzip");
    expect(negotiate("br", ["identity", "gzip"])).to.equal("identity");
    expect(negotiate("br", ["gzip"])).to.equal(undefined);
    expect(negotiate(undefined, ["gzip"])).to.equal("gzip");
    expect(negotiate("*", [])).to.equal(undefined);
  });

  it("never throws, and never gives a coding that the text does not name", () => {
    const piece = fc.constantFrom("gzip", "br", "identity", ";", "q", "=", "0", "1", ".", ",", " ", "x");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const coding = negotiate(text, ALL) ?? "identity";
          expect(coding === "identity" || text.includes("*") || text.toLowerCase().includes(coding)).to.equal(
            true,
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
