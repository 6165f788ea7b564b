import { expect } from "chai";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import {
  lifetimeOf,
  type FreshnessOptions,
  type Lifetime,
} from "../../../../middleware/response-cache/http/freshness.ts";

const NOW = Date.UTC(2026, 10, 20);
const date = (offsetSeconds: number): string => new Date(NOW + offsetSeconds * 1000).toUTCString();

function lifetime(fields: Record<string, string>, options: FreshnessOptions = {}, status = 200): Lifetime {
  return lifetimeOf({ status, fields: fieldsOf(Object.entries(fields)), respondedAt: NOW }, options);
}

describe("lifetimeOf", () => {
  it("prefers s-maxage to max-age to Expires", () => {
    const all = {
      "cache-control": "max-age=20, s-maxage=10",
      expires: date(30),
      "last-modified": date(-86_400),
    };
    expect(lifetime(all, { ttlMs: 1 })).to.include({ ms: 10_000, source: "s-maxage" });
    expect(lifetime({ ...all, "cache-control": "max-age=20" }, { ttlMs: 1 })).to.include({
      ms: 20_000,
      source: "max-age",
    });
    expect(lifetime({ ...all, "cache-control": "" }, { ttlMs: 1 })).to.include({
      ms: 30_000,
      source: "expires",
    });
  });

  it("takes a time that is invalid for over, and not for unsaid", () => {
    const later = { expires: date(60), "last-modified": date(-86_400) };
    for (const text of [
      "max-age=x",
      "max-age",
      "s-maxage=-1, max-age=60",
      "max-age =60",
      "max-age=60, max-age=y",
    ]) {
      expect(lifetime({ ...later, "cache-control": text }, { ttlMs: 60_000 }).ms, text).to.equal(0);
    }
  });

  it("counts Expires from the Date of the response, or from when it came", () => {
    expect(lifetime({ expires: date(60), date: date(-60) }).ms).to.equal(120_000);
    expect(lifetime({ expires: date(60), date: date(30) }).ms).to.equal(30_000);
    expect(lifetime({ expires: date(60), date: "yesterday" }).ms).to.equal(60_000);
    expect(lifetime({ expires: date(60) }).ms).to.equal(60_000);
    expect(lifetime({ expires: date(0), date: date(0) }).ms).to.equal(0);
  });

  it("takes an Expires that is no date, or two, for the past", () => {
    for (const expires of [
      "0",
      "",
      "-1",
      "tomorrow",
      `${date(60)}, ${date(60)}`,
      date(60).replace("GMT", "UTC"),
    ]) {
      const found = lifetime({ expires, "last-modified": date(-86_400) }, { ttlMs: 60_000 });
      expect(found, expires).to.include({ ms: 0, source: "expires" });
    }
  });

  it("gives the option's time to a successful response that says nothing itself", () => {
    expect(lifetime({ "last-modified": date(-86_400) }, { ttlMs: 50 })).to.include({ ms: 50, source: "ttl" });
    expect(lifetime({ "cache-control": "public" }, { ttlMs: 50 }).ms).to.equal(50);
    expect(lifetime({ "cache-control": "max-age=0" }, { ttlMs: 50 }).ms).to.equal(0);
    expect(lifetime({ "cache-control": "no-cache" }, { ttlMs: 50 })).to.include({ ms: 0, source: "none" });
    for (const status of [302, 400, 404, 405, 414, 500, 501, 599]) {
      expect(lifetime({}, { ttlMs: 50 }, status).ms, String(status)).to.equal(0);
    }
  });

  it("guesses a tenth of the time since the last change, a day at most", () => {
    expect(lifetime({ "last-modified": date(-1000) })).to.include({ ms: 100_000, source: "heuristic" });
    expect(lifetime({ "last-modified": date(-1060), date: date(-60) }).ms).to.equal(100_000);
    expect(lifetime({ "last-modified": date(-1e8) }).ms).to.equal(86_400_000);
  });

  it("guesses nothing without a Last-Modified that lies in the past", () => {
    expect(lifetime({})).to.include({ ms: 0, source: "none" });
    expect(lifetime({ "last-modified": date(10) }).ms).to.equal(0);
    expect(lifetime({ "last-modified": "0" }).ms).to.equal(0);
  });

  it("guesses for the statuses that allow it, and for others only where they are public", () => {
    for (const status of [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]) {
      expect(lifetime({ "last-modified": date(-1000) }, {}, status).ms, String(status)).to.equal(100_000);
    }
    for (const status of [201, 202, 302, 307, 400, 403, 500, 503, 599]) {
      const fields = { "last-modified": date(-1000) };
      expect(lifetime(fields, {}, status).ms, String(status)).to.equal(0);
      expect(lifetime({ ...fields, "cache-control": "public" }, {}, status).ms, String(status)).to.equal(
        100_000,
      );
    }
  });

  it("makes nothing fresh that has to be asked for each time", () => {
    for (const text of ["no-cache, max-age=60", 'no-cache="x", s-maxage=60', "max-age=60, NO-CACHE"]) {
      expect(lifetime({ "cache-control": text })).to.include({ ms: 0, mustRevalidate: true });
    }
  });

  it("says how long a stale response may be served", () => {
    const text = "max-age=1, stale-while-revalidate=2, stale-if-error=3";
    const expected = { staleWhileRevalidateMs: 2000, staleIfErrorMs: 3000, mustRevalidate: false };
    expect(lifetime({ "cache-control": text })).to.include(expected);
    for (const forbidden of ["must-revalidate", "proxy-revalidate", "no-cache", "must-revalidate=x"]) {
      expect(lifetime({ "cache-control": `${text}, ${forbidden}` })).to.include({
        staleWhileRevalidateMs: 0,
        staleIfErrorMs: 0,
        mustRevalidate: true,
      });
    }
    expect(lifetime({ "cache-control": "max-age=1, stale-if-error=x" }).staleIfErrorMs).to.equal(0);
  });

  it("takes s-maxage for a proxy-revalidate, unless staleness stands beside it", () => {
    const options = { staleWhileRevalidateMs: 5, staleIfErrorMs: 6 };
    expect(lifetime({ "cache-control": "s-maxage=1" }, options)).to.include({
      mustRevalidate: true,
      staleIfErrorMs: 0,
    });
    const both = { "cache-control": "s-maxage=1, stale-while-revalidate=2" };
    expect(lifetime(both, options)).to.include({
      mustRevalidate: false,
      staleWhileRevalidateMs: 2000,
      staleIfErrorMs: 0,
    });
    expect(lifetime(both, { strictSMaxage: true })).to.include({
      mustRevalidate: true,
      staleWhileRevalidateMs: 0,
    });
  });

  it("gives the option's staleness where the response says none, and forbids none", () => {
    const options = { staleWhileRevalidateMs: 5, staleIfErrorMs: 6 };
    expect(lifetime({ "cache-control": "max-age=1" }, options)).to.include(options);
    expect(lifetime({ "cache-control": "max-age=1, stale-if-error=0" }, options).staleIfErrorMs).to.equal(0);
    expect(lifetime({ "cache-control": "max-age=1, must-revalidate" }, options).staleIfErrorMs).to.equal(0);
  });

  it("reads a targeted field in place of Cache-Control and Expires", () => {
    const options = { targets: ["cdn-cache-control"] };
    const both = {
      "cache-control": "no-cache, max-age=1",
      expires: date(9),
      "cdn-cache-control": "max-age=60",
    };
    expect(lifetime(both, options)).to.include({ ms: 60_000, source: "max-age", mustRevalidate: false });
    expect(lifetime(both).ms).to.equal(0);
    expect(lifetime({ ...both, "cdn-cache-control": "must-revalidate" }, options)).to.include({
      ms: 0,
      source: "none",
    });
    expect(lifetime({ ...both, "cdn-cache-control": "max-age=&" }, options).ms).to.equal(0);
  });
});
