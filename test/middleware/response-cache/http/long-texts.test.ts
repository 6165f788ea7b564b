import { expect } from "chai";
import { parseAge } from "../../../../middleware/response-cache/http/age.ts";
import { trimBlanks } from "../../../../middleware/response-cache/http/blanks.ts";
import { parseCacheControl } from "../../../../middleware/response-cache/http/cache-control.ts";
import { evaluateConditions } from "../../../../middleware/response-cache/http/conditional.ts";
import { negotiate } from "../../../../middleware/response-cache/http/content-coding.ts";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import { parseHttpDate } from "../../../../middleware/response-cache/http/http-date.ts";
import { selectRanges } from "../../../../middleware/response-cache/http/range.ts";
import { parseDictionary } from "../../../../middleware/response-cache/http/structured-dictionary.ts";
import { varyNames, varyValues } from "../../../../middleware/response-cache/http/vary.ts";

/** What takes longer than the length of the text does not end at this length within a test's time. */
const LENGTH = 300_000;

const readers: Record<string, (text: string) => unknown> = {
  parseAge,
  parseCacheControl,
  parseDictionary,
  parseHttpDate,
  varyNames,
  varyValues: (text) => varyValues(["foo"], fieldsOf([["foo", text]])),
  evaluateConditions: (text) =>
    evaluateConditions(fieldsOf([["if-none-match", text]]), fieldsOf([["etag", '"a"']])),
  selectRanges: (text) => selectRanges(`bytes=${text}`, 100),
  negotiate: (text) => negotiate(text, ["identity", "gzip"]),
};

describe("a text as long as a client likes", () => {
  for (const [name, read] of Object.entries(readers)) {
    it(`is read by ${name} in a time that grows with its length alone`, () => {
      for (const unit of [
        " ",
        "\t",
        ",",
        "a",
        "1",
        '"',
        "\\",
        '\\"',
        '"\\',
        "a=",
        'a="',
        ', a="\\',
        "a;",
        "(",
        "?",
        "-",
      ]) {
        const many = unit.repeat(LENGTH / unit.length);
        for (const text of [many, `a${many}b`, `"${many}`, `a=${many}`, `a="${many}`]) {
          expect(() => read(text)).not.to.throw();
        }
      }
    });
  }

  it("loses only blanks at its ends", () => {
    expect(trimBlanks(" \t a b\t ")).to.equal("a b");
    expect(trimBlanks("\u00a0a\n")).to.equal("\u00a0a\n");
    expect(trimBlanks(" \t")).to.equal("");
  });
});
