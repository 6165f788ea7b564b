import { expect } from "chai";
import fc from "fast-check";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import {
  contentRange,
  multipartBody,
  selectRanges,
} from "../../../../middleware/response-cache/http/range.ts";

const DATE = "Fri, 20 Nov 2026 08:00:00 GMT";

/** As Content-Range would say it. */
function selected(header: string | undefined, size = 100): string {
  const found = selectRanges(header, size);
  return found.kind === "parts"
    ? found.parts.map(({ start, end }) => `${start}-${end}`).join(" ")
    : found.kind;
}

describe("selectRanges", () => {
  const ranges: Record<string, string> = {
    "bytes=0-0": "0-0",
    "bytes=0-99": "0-99",
    "bytes=10-20": "10-20",
    "bytes=10-": "10-99",
    "bytes=-10": "90-99",
    "bytes=-100": "0-99",
    "bytes=-1000": "0-99",
    "bytes=90-1000": "90-99",
    "bytes=0-99999999999999999999999": "0-99",
    "Bytes=1-2": "1-2",
    "bytes= 1-2 , 4-5\t": "1-2 4-5",
    "bytes=,1-2,,4-5,": "1-2 4-5",
    "bytes=50-60,0-10": "50-60 0-10",
    "bytes=0-10,200-300": "0-10",
    "bytes=100-": "unsatisfiable",
    "bytes=100-200": "unsatisfiable",
    "bytes=-0": "unsatisfiable",
    "bytes=200-,300-": "unsatisfiable",
    "bytes=99999999999999999999-": "unsatisfiable",
    "": "whole",
    bytes: "whole",
    "bytes=": "whole",
    "bytes=,": "whole",
    "bytes=-": "whole",
    "bytes=a-b": "whole",
    "bytes=2-1": "whole",
    "bytes=1-2,x": "whole",
    "bytes=0-0,5-4": "whole",
    "bytes=--5": "whole",
    "bytes=+1-2": "whole",
    "bytes=1.0-2": "whole",
    "bytes=1 - 2": "whole",
    "bytes =0-1": "whole",
    "bytes:0-1": "whole",
    "lines=0-1": "whole",
    "bytes=0-10,10-20": "whole",
    "bytes=50-60,0-55": "whole",
    "bytes=0-,0-,0-": "whole",
    "bytes=-1,-1": "whole",
  };
  for (const [header, expected] of Object.entries(ranges)) {
    it(`reads ${JSON.stringify(header)} of 100 bytes as ${expected}`, () => {
      expect(selected(header)).to.equal(expected);
    });
  }

  it("sends the whole to who asks for no part, or for more than ten", () => {
    const many = (count: number): string =>
      `bytes=${Array.from({ length: count }, (_, i) => `${i * 2}-${i * 2}`).join()}`;
    expect(selected(undefined)).to.equal("whole");
    expect(selected(many(10)).split(" ")).to.have.length(10);
    expect(selected(many(11))).to.equal("whole");
  });

  it("finds no part in nothing", () => {
    expect(selected("bytes=0-", 0)).to.equal("unsatisfiable");
    expect(selected("bytes=-0", 0)).to.equal("unsatisfiable");
    expect(selected("bytes=-5", 0)).to.equal("whole");
  });

  it("never throws, and gives parts that lie in the body and do not overlap", () => {
    const number = fc.oneof(fc.nat(30).map(String), fc.constant(""), fc.string({ maxLength: 2 }));
    const header = fc
      .array(fc.tuple(number, number), { maxLength: 12 })
      .map((specs) => `bytes=${specs.map((spec) => spec.join("-")).join(",")}`);
    fc.assert(
      fc.property(fc.oneof(header, fc.string()), fc.nat(25), (text, size) => {
        const found = selectRanges(text, size);
        if (found.kind !== "parts") return;
        const seen = new Set<number>();
        for (const { start, end } of found.parts) {
          expect(start >= 0 && start <= end && end < size).to.equal(true);
          for (let at = start; at <= end; at += 1) {
            expect(seen.has(at)).to.equal(false);
            seen.add(at);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("selectRanges, with If-Range", () => {
  const partOf = (ifRange: string | undefined, stored: Record<string, string>): boolean =>
    selectRanges("bytes=0-1", 100, { ifRange, stored: fieldsOf(Object.entries(stored)) }).kind === "parts";

  it("sends a part where the strong tag is the same", () => {
    expect(partOf(undefined, {})).to.equal(true);
    expect(partOf('"a"', { etag: '"a"' })).to.equal(true);
    expect(partOf('"a"', { etag: '"b"' })).to.equal(false);
    expect(partOf('W/"a"', { etag: 'W/"a"' })).to.equal(false);
    expect(partOf('"a"', { etag: 'W/"a"' })).to.equal(false);
    expect(partOf('"a", "b"', { etag: '"a"' })).to.equal(false);
    expect(partOf('"a"', {})).to.equal(false);
    expect(partOf("a", { etag: "a" })).to.equal(false);
    expect(partOf("", { etag: '"a"' })).to.equal(false);
  });

  it("sends a part where the date is exactly that of a change some time before", () => {
    const stored = { "last-modified": DATE, date: "Fri, 20 Nov 2026 09:00:00 GMT" };
    expect(partOf(DATE, stored)).to.equal(true);
    expect(partOf("Fri, 20 Nov 2026 08:00:01 GMT", stored)).to.equal(false);
    expect(partOf("Fri, 20 Nov 2026 07:59:59 GMT", stored)).to.equal(false);
    expect(partOf(DATE, { ...stored, date: DATE })).to.equal(false);
    expect(partOf(DATE, { "last-modified": DATE })).to.equal(false);
    expect(partOf(DATE, { date: DATE })).to.equal(false);
    expect(partOf("never", { ...stored, "last-modified": "never" })).to.equal(false);
  });
});

describe("multipartBody", () => {
  const body = Buffer.from("0123456789");
  const parts = [
    { start: 0, end: 1 },
    { start: 8, end: 9 },
  ];

  it("has each part with its type and its place", () => {
    expect(multipartBody(parts, body, "text/plain", "b0").toString()).to.equal(
      [
        "--b0",
        "Content-Type: text/plain",
        "Content-Range: bytes 0-1/10",
        "",
        "01",
        "--b0",
        "Content-Type: text/plain",
        "Content-Range: bytes 8-9/10",
        "",
        "89",
        "--b0--",
        "",
      ].join("\r\n"),
    );
  });

  it("says no type where the response has none, and leaves bytes as they are", () => {
    const bytes = Buffer.from([0, 255, 128, 13, 10]);
    const whole = multipartBody([{ start: 1, end: 3 }], bytes, undefined, "b");
    const head = "--b\r\nContent-Range: bytes 1-3/5\r\n\r\n";
    expect(whole.subarray(0, head.length).toString()).to.equal(head);
    expect(whole.subarray(head.length, head.length + 3)).to.deep.equal(bytes.subarray(1, 4));
  });

  it("is told of by Content-Range as it counts", () => {
    expect(contentRange({ start: 8, end: 9 }, 10)).to.equal("bytes 8-9/10");
  });
});
