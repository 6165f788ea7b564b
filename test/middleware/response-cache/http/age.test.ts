import { expect } from "chai";
import fc from "fast-check";
import { currentAgeMs, parseAge } from "../../../../middleware/response-cache/http/age.ts";

describe("parseAge", () => {
  const ages: Record<string, number | undefined> = {
    "0": 0,
    "7200": 7200,
    " 7200\t": 7200,
    "007": 7,
    "7200, 0": 7200,
    "0, 7200": 0,
    "1,x": 1,
    "2147483648": 2147483648,
    "99999999999999999999": 2147483648,
    "": undefined,
    abc: undefined,
    "-7200": undefined,
    "+1": undefined,
    "7200.0": undefined,
    "72e2": undefined,
    "7200a": undefined,
    "7200;a=b": undefined,
    "x, 7200": undefined,
    ", 7200": undefined,
    '"7200"': undefined,
    "72 00": undefined,
  };
  for (const [text, seconds] of Object.entries(ages)) {
    it(`reads ${JSON.stringify(text)} as ${String(seconds)}`, () => {
      expect(parseAge(text)).to.equal(seconds);
    });
  }

  it("never throws", () => {
    expect(parseAge(undefined)).to.equal(undefined);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseAge(text) ?? 0).to.be.at.least(0);
      }),
    );
  });
});

describe("currentAgeMs", () => {
  const at = 1_700_000_000_000;
  const times = { requestedAt: at, respondedAt: at, ageSeconds: 0 };

  it("is the time since the response came", () => {
    expect(currentAgeMs(times, at)).to.equal(0);
    expect(currentAgeMs(times, at + 1500)).to.equal(1500);
  });

  it("begins with what the response said, and with the time that it took", () => {
    const stored = { ...times, respondedAt: at + 300, ageSeconds: 10 };
    expect(currentAgeMs(stored, at + 300)).to.equal(10_300);
    expect(currentAgeMs(stored, at + 1300)).to.equal(11_300);
  });

  it("begins with the time since its Date where that is more", () => {
    expect(currentAgeMs({ ...times, dateMs: at - 60_000, ageSeconds: 10 }, at)).to.equal(60_000);
    expect(currentAgeMs({ ...times, dateMs: at - 5000, ageSeconds: 10 }, at)).to.equal(10_000);
  });

  it("makes nothing of a Date in the future, or of the part of a second that a Date cannot say", () => {
    expect(currentAgeMs({ ...times, dateMs: at + 60_000 }, at + 5)).to.equal(5);
    expect(
      currentAgeMs({ ...times, requestedAt: at + 900, respondedAt: at + 900, dateMs: at }, at + 900),
    ).to.equal(0);
  });

  it("is never negative, whatever becomes of the clock", () => {
    const time = fc.integer({ min: at - 1e9, max: at + 1e9 });
    fc.assert(
      fc.property(time, time, time, time, (requestedAt, respondedAt, dateMs, now) => {
        expect(currentAgeMs({ requestedAt, respondedAt, dateMs, ageSeconds: 0 }, now)).to.be.at.least(0);
      }),
    );
  });
});
