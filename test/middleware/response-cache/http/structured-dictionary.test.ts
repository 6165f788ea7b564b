import { expect } from "chai";
import fc from "fast-check";
import { parseDictionary } from "../../../../middleware/response-cache/http/structured-dictionary.ts";

describe("parseDictionary", () => {
  const valid: Record<string, [string, unknown][]> = {
    "": [],
    "   ": [],
    a: [["a", true]],
    "max-age=60": [["max-age", 60]],
    " max-age=60 ": [["max-age", 60]],
    "max-age=-1": [["max-age", -1]],
    "a=?1, b=?0": [
      ["a", true],
      ["b", false],
    ],
    'a;x=1;y, b=2; z="q"\t,\tc': [
      ["a", true],
      ["b", 2],
      ["c", true],
    ],
    "a=1, a=2": [["a", 2]],
    'a="x, \\"y\\\\"': [["a", "other"]],
    "a=token/x:y, b=*t": [
      ["a", "other"],
      ["b", "other"],
    ],
    "a=1.5": [["a", "other"]],
    "a=:aGk=:": [["a", "other"]],
    "a=@1659578233": [["a", "other"]],
    'a=%"f%c3%bc"': [["a", "other"]],
    'a=(), b=(1 2), c=( x;y=1  "z" );q': [
      ["a", "other"],
      ["b", "other"],
      ["c", "other"],
    ],
    "*a_b.c-d*=999999999999999": [["*a_b.c-d*", 999_999_999_999_999]],
  };
  for (const [text, members] of Object.entries(valid)) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const found = parseDictionary(text);
      const values = [...(found ?? ([["invalid", { kind: "other" }]] as const))].map(([key, member]) => [
        key,
        member.kind === "other" ? "other" : member.value,
      ]);
      expect(values).to.deep.equal(members);
    });
  }

  const invalid = [
    "Max-Age=60",
    "MAX-AGE=60",
    "1a",
    "a,",
    "a, ",
    ",a",
    "a,,b",
    "a b",
    "a=",
    "a =1",
    "a= 1",
    "a=1;",
    "a=1;X",
    "a=1;x=",
    "a=&",
    "a='x'",
    'a="x',
    'a="\\n"',
    'a="ü"',
    "a=1.",
    "a=1.2345",
    "a=--1",
    "a=1000000000000000",
    "a=?2",
    "a=(1",
    "a=(1,2)",
    'a=("x""y")',
    'a=%"%ff"',
    'a=%"%C3"',
    "a=:b",
    "a=@1.5",
    "\ta",
    "a\t",
    "a\u0000",
    "a; max-age=1, =2",
  ];
  for (const text of invalid) {
    it(`reads nothing out of ${JSON.stringify(text)}`, () => {
      expect(parseDictionary(text)).to.equal(undefined);
    });
  }

  it("never throws", () => {
    const piece = fc.constantFrom(
      "a",
      "=",
      ",",
      ";",
      "(",
      ")",
      '"',
      "1",
      ".",
      "?",
      "%",
      ":",
      "@",
      " ",
      "\\",
      "\t",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const members = parseDictionary(text);
          expect(members === undefined || members.size >= 0).to.equal(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
