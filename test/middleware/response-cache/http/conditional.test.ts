import { expect } from "chai";
import fc from "fast-check";
import {
  confirms,
  evaluateConditions,
  mergeNotModified,
  strongEtag,
  validatorsOf,
} from "../../../../middleware/response-cache/http/conditional.ts";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";

const DATE = "Fri, 20 Nov 2026 08:00:00 GMT";
const EARLIER = "Fri, 20 Nov 2026 07:59:59 GMT";
const LATER = "Fri, 20 Nov 2026 08:00:01 GMT";

const fields = (record: Record<string, string>): ReturnType<typeof fieldsOf> =>
  fieldsOf(Object.entries(record));

function answer(request: Record<string, string>, stored: Record<string, string>, status?: number): string {
  return evaluateConditions(fields(request), fields(stored), status);
}

describe("evaluateConditions", () => {
  it("sends the response to a request without conditions", () => {
    expect(answer({}, { etag: '"a"', "last-modified": DATE })).to.equal("send");
  });

  it("compares tags weakly, one or a list of them", () => {
    for (const list of [
      '"a"',
      'W/"a"',
      '"x", "a"',
      '"a","x"',
      ' "x" , W/"a" ',
      ',,"a"',
      '"x,y", "a"',
      "*",
      " * ",
    ]) {
      for (const etag of ['"a"', 'W/"a"']) {
        expect(answer({ "if-none-match": list }, { etag }), `${list} of ${etag}`).to.equal("not-modified");
      }
    }
    expect(answer({ "if-none-match": '"ü"' }, { etag: '"ü"' })).to.equal("not-modified");
    expect(answer({ "if-none-match": '""' }, { etag: '""' })).to.equal("not-modified");
  });

  it("sends the response where no tag is the same, or none can be read", () => {
    for (const list of [
      '"b"',
      '"A"',
      'w/"a"',
      "a",
      '"a',
      'a"',
      '""',
      "",
      '"x"a"',
      '"*"',
      '"x a"',
      "'a'",
      '"b"; "a"',
    ]) {
      expect(answer({ "if-none-match": list }, { etag: '"a"' }), list).to.equal("send");
    }
    expect(answer({ "if-none-match": '"a"' }, {})).to.equal("send");
    expect(answer({ "if-none-match": '"a, b"' }, { etag: "b" })).to.equal("send");
  });

  it("finds a tag without quotes only by itself", () => {
    expect(answer({ "if-none-match": "abc" }, { etag: "abc" })).to.equal("not-modified");
    expect(answer({ "if-none-match": '"abc"' }, { etag: "abc" })).to.equal("send");
    expect(answer({ "if-none-match": "abc" }, { etag: '"abc"' })).to.equal("send");
  });

  it("says of any stored response that it is there", () => {
    expect(answer({ "if-none-match": "*" }, {})).to.equal("not-modified");
  });

  it("compares dates where there is no tag to compare", () => {
    const stored = { "last-modified": DATE };
    expect(answer({ "if-modified-since": DATE }, stored)).to.equal("not-modified");
    expect(answer({ "if-modified-since": LATER }, stored)).to.equal("not-modified");
    expect(answer({ "if-modified-since": EARLIER }, stored)).to.equal("send");
    expect(answer({ "if-modified-since": "Friday, 20-Nov-26 08:00:00 GMT" }, stored)).to.equal(
      "not-modified",
    );
  });

  it("goes by the tag alone where both are sent", () => {
    const stored = { "last-modified": DATE, etag: '"a"' };
    expect(answer({ "if-none-match": '"b"', "if-modified-since": DATE }, stored)).to.equal("send");
    expect(answer({ "if-none-match": '"a"', "if-modified-since": EARLIER }, stored)).to.equal("not-modified");
  });

  it("takes an invalid date for no condition", () => {
    for (const since of ["0", "", "tomorrow", "2026-11-20", `${DATE}, ${DATE}`, DATE.replace("GMT", "UTC")]) {
      expect(answer({ "if-modified-since": since }, { "last-modified": DATE }), since).to.equal("send");
    }
    expect(answer({ "if-modified-since": DATE }, { "last-modified": "0", date: EARLIER })).to.equal("send");
  });

  it("compares with the Date of a response that has no Last-Modified", () => {
    expect(answer({ "if-modified-since": DATE }, { date: DATE })).to.equal("not-modified");
    expect(answer({ "if-modified-since": EARLIER }, { date: DATE })).to.equal("send");
    expect(answer({ "if-modified-since": DATE }, {})).to.equal("send");
  });

  it("knows no condition of a response that is not 2xx", () => {
    expect(answer({ "if-none-match": '"a"' }, { etag: '"a"' }, 204)).to.equal("not-modified");
    for (const status of [301, 304, 404, 500]) {
      expect(answer({ "if-none-match": '"a"' }, { etag: '"a"' }, status)).to.equal("send");
    }
  });

  it("never throws, and says not-modified of a tag only where it stands in the list", () => {
    const piece = fc.oneof(
      fc.constantFrom('"a"', '"', ",", "W/", "*", " ", "a"),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const list = pieces.join("");
        const found = answer({ "if-none-match": list }, { etag: '"a"' });
        expect(found === "send" || list.includes('"a"') || list.trim() === "*").to.equal(true);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("strongEtag", () => {
  it("is the tag where it is valid and not weak", () => {
    expect(strongEtag('"a-1/ü"')).to.equal('"a-1/ü"');
    for (const text of [undefined, "", 'W/"a"', "a", '"a', '"a"b"', '"a b"', '"a", "b"']) {
      expect(strongEtag(text), text).to.equal(undefined);
    }
  });
});

describe("validatorsOf", () => {
  it("gives both, as they were sent", () => {
    expect(validatorsOf(fields({ etag: 'W/"a"', "last-modified": DATE }))).to.deep.equal({
      ifNoneMatch: 'W/"a"',
      ifModifiedSince: DATE,
    });
  });

  it("gives none that is absent or empty, and no date that is none", () => {
    expect(validatorsOf(fields({ etag: "", "last-modified": "yesterday" }))).to.deep.equal({});
    expect(validatorsOf(fields({}))).to.deep.equal({});
  });
});

describe("confirms", () => {
  const speaksOf = (notModified: Record<string, string>, stored: Record<string, string>): boolean =>
    confirms(fields(notModified), fields(stored));

  it("wants a strong tag to be the same, and a weak one to match", () => {
    expect(speaksOf({ etag: '"a"' }, { etag: '"a"' })).to.equal(true);
    expect(speaksOf({ etag: '"a"' }, { etag: '"b"' })).to.equal(false);
    expect(speaksOf({ etag: '"a"' }, { etag: 'W/"a"' })).to.equal(false);
    expect(speaksOf({ etag: '"a"' }, {})).to.equal(false);
    expect(speaksOf({ etag: 'W/"a"' }, { etag: '"a"' })).to.equal(true);
    expect(speaksOf({ etag: 'W/"a"' }, { etag: '"b"' })).to.equal(false);
  });

  it("wants a date to be the same where there is no tag", () => {
    expect(speaksOf({ "last-modified": DATE }, { "last-modified": DATE })).to.equal(true);
    expect(speaksOf({ "last-modified": LATER }, { "last-modified": DATE })).to.equal(false);
    expect(speaksOf({ "last-modified": DATE }, { etag: '"a"' })).to.equal(true);
  });

  it("takes a 304 without validators for the one that was asked for", () => {
    expect(speaksOf({}, { etag: '"a"', "last-modified": DATE })).to.equal(true);
  });
});

describe("mergeNotModified", () => {
  it("replaces each field that came, adds new ones, and keeps the others", () => {
    const stored = [
      ["ETag", '"a"'],
      ["Cache-Control", "max-age=1"],
      ["link", ["<a>", "<b>"]],
      ["X-Own", "1"],
    ] as const;
    const merged = mergeNotModified(stored, [
      ["cache-control", "max-age=2"],
      ["Link", "<c>"],
      ["Expires", DATE],
    ]);
    expect(merged).to.deep.equal([
      ["ETag", '"a"'],
      ["X-Own", "1"],
      ["cache-control", "max-age=2"],
      ["Link", "<c>"],
      ["Expires", DATE],
    ]);
  });

  it("takes over another type of the same bytes", () => {
    const merged = mergeNotModified([["Content-Type", "text/plain"]], [["content-type", "text/html"]]);
    expect(merged).to.deep.equal([["content-type", "text/html"]]);
  });

  it("leaves alone what tells of the bytes, and takes nothing of the connection", () => {
    const stored = [
      ["Content-Encoding", "br"],
      ["X-Hop", "1"],
    ] as const;
    const merged = mergeNotModified(stored, [
      ["Content-Encoding", "gzip"],
      ["Content-Length", "0"],
      ["Content-Range", "bytes 0-1/2"],
      ["Connection", "close, X-Hop"],
      ["X-Hop", "2"],
      ["Transfer-Encoding", "chunked"],
      ["Age", "5"],
    ]);
    expect(merged).to.deep.equal(stored);
  });

  it("takes a cookie only where cookies are stored", () => {
    const news = [["Set-Cookie", "a=b"]] as const;
    expect(mergeNotModified([], news)).to.deep.equal([]);
    expect(mergeNotModified([], news, "strip")).to.deep.equal([]);
    expect(mergeNotModified([], news, "store")).to.deep.equal(news);
  });
});
