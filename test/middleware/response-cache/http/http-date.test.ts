import { expect } from "chai";
import fc from "fast-check";
import { parseHttpDate } from "../../../../middleware/response-cache/http/http-date.ts";

const NOW = Date.UTC(2026, 10, 20);

describe("parseHttpDate", () => {
  const valid: Record<string, string> = {
    "Sun, 06 Nov 1994 08:49:37 GMT": "1994-11-06T08:49:37.000Z",
    "Sunday, 06-Nov-94 08:49:37 GMT": "1994-11-06T08:49:37.000Z",
    "Sun Nov  6 08:49:37 1994": "1994-11-06T08:49:37.000Z",
    "Sun Nov 06 08:49:37 1994": "1994-11-06T08:49:37.000Z",
    "Wed Nov 16 08:49:37 1994": "1994-11-16T08:49:37.000Z",
    "Thu, 29 Feb 2024 00:00:00 GMT": "2024-02-29T00:00:00.000Z",
    "Sat, 31 Dec 2016 23:59:60 GMT": "2017-01-01T00:00:00.000Z",
    "Thu, 01 Jan 1970 00:00:00 GMT": "1970-01-01T00:00:00.000Z",
    "Fri, 01 Jan 0099 00:00:00 GMT": "0099-01-01T00:00:00.000Z",
    // RFC 9111 §4.2: a cache SHOULD match the text case-insensitively.
    "sun, 06 nov 1994 08:49:37 gmt": "1994-11-06T08:49:37.000Z",
    "SUNDAY, 06-NOV-94 08:49:37 GMT": "1994-11-06T08:49:37.000Z",
  };
  for (const [text, iso] of Object.entries(valid)) {
    it(`reads ${text}`, () => {
      expect(parseHttpDate(text, NOW)).to.equal(Date.parse(iso));
    });
  }

  const invalid = [
    "",
    "0",
    "-1",
    "now",
    "2026-11-20T00:00:00Z",
    "1795132800",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 EST",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 06 Nov 1994 08:49:37 GMT+1",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06-Nov-1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT",
    "Sun, 06 Nov 1994 08:49 GMT",
    "Sun, 06 Nov 1994 08.49.37 GMT",
    "Sun 06 Nov 1994 08:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "Sun,  06 Nov 1994 08:49:37 GMT",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 31 Feb 2027 08:49:37 GMT",
    "Sun, 29 Feb 2023 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sunday, 31-Feb-27 08:49:37 GMT",
    "Sun, 31 Apr 2027 08:49:37 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun Feb 31 08:49:37 2027",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov  6 08:49:37 1994 GMT",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Okt 1994 08:49:37 GMT",
  ];
  for (const text of invalid) {
    it(`reads nothing out of ${JSON.stringify(text)}`, () => {
      expect(parseHttpDate(text, NOW)).to.equal(undefined);
    });
  }

  it("takes two digits for the year of the last 50 or the next 50", () => {
    const year = (digits: string): number => {
      const time = parseHttpDate(`Friday, 20-Nov-${digits} 00:00:00 GMT`, NOW);
      return new Date(time ?? Number.NaN).getUTCFullYear();
    };
    expect(year("26")).to.equal(2026);
    expect(year("76")).to.equal(2076);
    expect(year("77")).to.equal(1977);
    expect(year("99")).to.equal(1999);
    expect(year("00")).to.equal(2000);
    // A day more than 50 years ahead.
    expect(parseHttpDate("Saturday, 21-Nov-76 00:00:00 GMT", NOW)).to.equal(Date.UTC(1976, 10, 21));
    expect(parseHttpDate("Monday, 01-Jan-10 00:00:00 GMT", Date.UTC(1999, 0, 1))).to.equal(
      Date.UTC(2010, 0, 1),
    );
  });

  it("reads back every second that can be written, in all three forms", () => {
    const time = fc.integer({ min: 0, max: 4_102_444_799 }).map((seconds) => seconds * 1000);
    fc.assert(
      fc.property(time, (at) => {
        const text = new Date(at).toUTCString();
        expect(parseHttpDate(text, at)).to.equal(at);
        const [, day = "", month = "", year = "", clock = ""] = text.split(/[ ,]+/);
        expect(parseHttpDate(`Monday, ${day}-${month}-${year.slice(2)} ${clock} GMT`, at)).to.equal(at);
        const blank = day.replace(/^0/, " ");
        expect(parseHttpDate(`Mon ${month} ${blank} ${clock} ${year}`, at)).to.equal(at);
      }),
    );
  });

  it("never throws", () => {
    const piece = fc.constantFrom(
      "Sun",
      "Sunday",
      ", ",
      "06",
      "99",
      " Nov ",
      "-Nov-",
      "94",
      "2024",
      "08:49:37",
      " GMT",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const time = parseHttpDate(text, NOW);
          expect(time === undefined || Number.isInteger(time)).to.equal(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
