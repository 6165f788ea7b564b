import { expect } from "chai";
import type { Lifetime } from "../../../../middleware/response-cache/http/freshness.ts";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import {
  freshForMs,
  isOnlyIfCached,
  isOriginError,
  mayServeStaleOnError,
  reuse,
  type StoredFreshness,
} from "../../../../middleware/response-cache/http/reuse.ts";

const AT = 1_700_000_000_000;

function stored(lifetime: Partial<Lifetime>, ageSeconds = 0): StoredFreshness {
  return {
    times: { requestedAt: AT, respondedAt: AT, ageSeconds },
    lifetime: {
      ms: 10_000,
      source: "max-age",
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      mustRevalidate: false,
      ...lifetime,
    },
  };
}
const none = fieldsOf([]);

describe("reuse", () => {
  it("serves a response as long as it is younger than its lifetime", () => {
    expect(reuse(stored({}), none, AT)).to.equal("fresh");
    expect(reuse(stored({}), none, AT + 9999)).to.equal("fresh");
    expect(reuse(stored({}), none, AT + 10_000)).to.equal("revalidate");
    expect(reuse(stored({ mustRevalidate: true }), none, AT + 9999)).to.equal("fresh");
  });

  it("counts the age that it came with", () => {
    expect(reuse(stored({}, 5), none, AT + 4999)).to.equal("fresh");
    expect(reuse(stored({}, 5), none, AT + 5000)).to.equal("revalidate");
    expect(reuse(stored({}, 7200), none, AT)).to.equal("revalidate");
  });

  it("never finds a response fresh whose lifetime is 0", () => {
    expect(reuse(stored({ ms: 0, mustRevalidate: true }), none, AT)).to.equal("revalidate");
  });

  it("serves a stale one while it is made anew, for as long as that was allowed", () => {
    const entry = stored({ staleWhileRevalidateMs: 5000 });
    expect(reuse(entry, none, AT + 10_000)).to.equal("stale-while-revalidate");
    expect(reuse(entry, none, AT + 14_999)).to.equal("stale-while-revalidate");
    expect(reuse(entry, none, AT + 15_000)).to.equal("revalidate");
    const forbidden = stored({ staleWhileRevalidateMs: 5000, mustRevalidate: true });
    expect(reuse(forbidden, none, AT + 10_000)).to.equal("revalidate");
  });

  it("pays no heed to what the request says, unless it is told to", () => {
    for (const [name, value] of [
      ["cache-control", "no-cache, max-age=0, no-store, min-fresh=99"],
      ["pragma", "no-cache"],
    ] as const) {
      expect(reuse(stored({}), fieldsOf([[name, value]]), AT)).to.equal("fresh");
    }
    expect(reuse(stored({}), fieldsOf([["pragma", "no-cache"]]), AT, { clientDirectives: true })).to.equal(
      "fresh",
    );
    const max = fieldsOf([["cache-control", "max-stale, only-if-cached"]]);
    expect(reuse(stored({}), max, AT + 10_000)).to.equal("revalidate");
    expect(isOnlyIfCached(max)).to.equal(false);
  });
});

describe("reuse, of clients that are honoured", () => {
  const asked = (entry: StoredFreshness, text: string, afterMs: number): string =>
    reuse(entry, fieldsOf([["cache-control", text]]), AT + afterMs, { clientDirectives: true });

  it("asks again for no-cache and no-store", () => {
    for (const text of ["no-cache", "No-Cache", "no-store", 'no-cache="x"']) {
      expect(asked(stored({}), text, 0), text).to.equal("revalidate");
    }
  });

  it("serves none that is older than max-age", () => {
    expect(asked(stored({}), "max-age=5", 4999)).to.equal("fresh");
    expect(asked(stored({}), "max-age=5", 5000)).to.equal("revalidate");
    expect(asked(stored({}), "max-age=0", 0)).to.equal("revalidate");
    expect(asked(stored({}), "max-age=x", 0)).to.equal("revalidate");
    expect(asked(stored({ staleWhileRevalidateMs: 9000 }), "max-age=50", 11_000)).to.equal("revalidate");
  });

  it("serves none that is stale before min-fresh", () => {
    expect(asked(stored({}), "min-fresh=5", 5000)).to.equal("fresh");
    expect(asked(stored({}), "min-fresh=5", 5001)).to.equal("revalidate");
  });

  it("serves a stale one to who accepts it, unless the response forbids it", () => {
    expect(asked(stored({}), "max-stale", 99_999_999)).to.equal("stale-accepted");
    expect(asked(stored({}), "max-stale=5", 15_000)).to.equal("stale-accepted");
    expect(asked(stored({}), "max-stale=5", 15_001)).to.equal("revalidate");
    expect(asked(stored({}), "max-stale=x", 10_001)).to.equal("revalidate");
    expect(asked(stored({ mustRevalidate: true }), "max-stale", 10_001)).to.equal("revalidate");
    expect(asked(stored({}), "max-stale, max-age=5", 15_000)).to.equal("revalidate");
  });

  it("says 504 where nothing but what is stored is wanted", () => {
    expect(asked(stored({}), "only-if-cached", 0)).to.equal("fresh");
    expect(asked(stored({}), "only-if-cached", 10_000)).to.equal("gateway-timeout");
    expect(asked(stored({}), "only-if-cached, max-age=1", 1000)).to.equal("gateway-timeout");
    expect(
      isOnlyIfCached(fieldsOf([["cache-control", "Only-If-Cached"]]), { clientDirectives: true }),
    ).to.equal(true);
  });
});

describe("mayServeStaleOnError", () => {
  it("holds for as long as stale-if-error says", () => {
    const entry = stored({ staleIfErrorMs: 5000 });
    expect(mayServeStaleOnError(entry, AT + 14_999)).to.equal(true);
    expect(mayServeStaleOnError(entry, AT + 15_000)).to.equal(false);
    expect(mayServeStaleOnError(stored({}), AT + 10_000)).to.equal(false);
  });

  it("never holds against must-revalidate", () => {
    expect(
      mayServeStaleOnError(stored({ staleIfErrorMs: 5000, mustRevalidate: true }), AT + 10_001),
    ).to.equal(false);
  });

  it("stands in for the errors of RFC 5861 alone", () => {
    const errors = [200, 400, 404, 499, 500, 501, 502, 503, 504, 505].filter(isOriginError);
    expect(errors).to.deep.equal([500, 502, 503, 504]);
  });
});

describe("freshForMs", () => {
  it("is what is left, and negative afterwards", () => {
    expect(freshForMs(stored({}), AT + 4000)).to.equal(6000);
    expect(freshForMs(stored({}), AT + 14_000)).to.equal(-4000);
  });
});
