import { expect } from "chai";
import fc from "fast-check";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import { storability, type StorabilityOptions } from "../../../../middleware/response-cache/http/storable.ts";

interface Exchange {
  readonly method?: string;
  readonly request?: Record<string, string>;
  readonly status?: number;
  readonly fields?: Record<string, string>;
}

const NOW = Date.UTC(2026, 10, 20);

function verdict(exchange: Exchange, options?: StorabilityOptions): string {
  const { method = "GET", request = {}, status = 200, fields = { "cache-control": "max-age=60" } } = exchange;
  const found = storability(
    { method, fields: fieldsOf(Object.entries(request)) },
    { status, fields: fieldsOf(Object.entries(fields)), respondedAt: NOW },
    options,
  );
  return found.store ? "store" : found.reason;
}
const ofCacheControl = (text: string, more: Exchange = {}): string =>
  verdict({ ...more, fields: { "cache-control": text } });

describe("storability", () => {
  it("stores a response to GET that says how long it is fresh", () => {
    for (const text of [
      "max-age=60",
      "s-maxage=60",
      "MAX-AGE=60",
      "public, max-age=60",
      "max-age=60, ext=1",
    ]) {
      expect(ofCacheControl(text), text).to.equal("store");
    }
    expect(verdict({ fields: { expires: new Date(NOW + 1000).toUTCString() } })).to.equal("store");
    for (const method of ["HEAD", "POST", "OPTIONS", "get", "FOO"])
      expect(verdict({ method })).to.equal("method");
  });

  it("stores any final status with explicit freshness, but no part and no 304", () => {
    for (const status of [200, 201, 204, 299, 302, 307, 399, 400, 404, 499, 500, 503, 599]) {
      expect(verdict({ status }), String(status)).to.equal("store");
    }
    expect(verdict({ status: 206 })).to.equal("partial");
    expect(verdict({ fields: { "cache-control": "max-age=60", "content-range": "bytes 0-1/2" } })).to.equal(
      "store",
    );
    for (const status of [100, 103, 199, 304, 600, Number.NaN])
      expect(verdict({ status })).to.equal("status");
  });

  it("stores a status without freshness of its own only where heuristics or public allow it", () => {
    const fields = { "last-modified": new Date(NOW - 1e6).toUTCString() };
    expect(verdict({ fields })).to.equal("store");
    expect(verdict({ fields, status: 404 })).to.equal("store");
    expect(verdict({ fields, status: 599 })).to.equal("status");
    expect(verdict({ fields: { ...fields, "cache-control": "public" }, status: 599 })).to.equal("store");
    expect(verdict({ fields: {} }, { ttlMs: 5 })).to.equal("store");
    expect(verdict({ fields: {}, status: 500 }, { ttlMs: 5 })).to.equal("status");
    expect(verdict({ fields: {}, status: 404 }, { ttlMs: 5 })).to.equal("no-freshness");
  });

  it("refuses no-store and private in any form", () => {
    for (const text of ["no-store, max-age=60", "max-age=60, No-Store", "no-store=x, max-age=60"]) {
      expect(ofCacheControl(text), text).to.equal("no-store");
    }
    for (const text of [
      "private, max-age=60",
      'private="set-cookie", max-age=60',
      'Private="", public, max-age=60',
    ]) {
      expect(ofCacheControl(text), text).to.equal("private");
    }
    expect(ofCacheControl('ext="private, no-store", max-age=60')).to.equal("store");
  });

  it("stores nothing on the word of a text that is no list of directives", () => {
    expect(ofCacheControl("max-age=60; public")).to.equal("malformed");
    expect(ofCacheControl('max-age=60, "')).to.equal("malformed");
    expect(ofCacheControl('max-age=60, x="no-store')).to.equal("no-store");
    expect(ofCacheControl("must-understand, no-store; max-age=60")).to.equal("no-store");
  });

  it("takes must-understand for what it says", () => {
    expect(ofCacheControl("must-understand, no-store, max-age=60")).to.equal("store");
    expect(ofCacheControl("must-understand=x, no-store, max-age=60")).to.equal("no-store");
    expect(ofCacheControl("must-understand, no-store, private, max-age=60")).to.equal("private");
    expect(ofCacheControl("must-understand, max-age=60", { status: 299 })).to.equal("must-understand");
    expect(ofCacheControl("must-understand, no-store, max-age=60", { status: 599 })).to.equal(
      "must-understand",
    );
  });

  it("stores the response to a request with credentials only where it says so", () => {
    const request = { authorization: "Bearer x" };
    for (const text of ["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"]) {
      expect(ofCacheControl(text, { request }), text).to.equal("store");
    }
    const others = [
      "max-age=60",
      "public=x, max-age=60",
      "s-maxage=x, max-age=60",
      "proxy-revalidate, max-age=60",
    ];
    for (const text of others) expect(ofCacheControl(text, { request }), text).to.equal("authorization");
    expect(verdict({ request, fields: {} }, { ttlMs: 5 })).to.equal("authorization");
  });

  it("goes by the option where a cookie is set", () => {
    const fields = { "cache-control": "public, max-age=60", "set-cookie": "a=b" };
    expect(verdict({ fields })).to.equal("set-cookie");
    expect(verdict({ fields }, { setCookie: "strip" })).to.equal("store");
    expect(verdict({ fields }, { setCookie: "store" })).to.equal("store");
  });

  it("refuses what depends on more than fields, and streams of events", () => {
    const fresh = { "cache-control": "max-age=60" };
    for (const vary of ["*", "accept, *", "*, accept", "a b", "accept;x"]) {
      expect(verdict({ fields: { ...fresh, vary } }), vary).to.equal("vary");
    }
    expect(verdict({ fields: { ...fresh, vary: "Accept" } })).to.equal("store");
    for (const type of ["text/event-stream", " Text/Event-Stream; charset=utf-8"]) {
      expect(verdict({ fields: { ...fresh, "content-type": type } })).to.equal("event-stream");
    }
    expect(verdict({ fields: { ...fresh, "content-type": "text/event-streams" } })).to.equal("store");
  });

  it("stores what can only be asked about again where it has a validator", () => {
    const stale = { "cache-control": "no-cache" };
    expect(verdict({ fields: stale })).to.equal("no-freshness");
    expect(verdict({ fields: { ...stale, etag: '"a"' } })).to.equal("store");
    expect(verdict({ fields: { ...stale, "last-modified": new Date(NOW).toUTCString() } })).to.equal("store");
    expect(verdict({ fields: { "cache-control": "max-age=0", etag: '"a"' }, status: 404 })).to.equal(
      "no-freshness",
    );
    expect(verdict({ fields: { "cache-control": "max-age=0, stale-while-revalidate=9" } })).to.equal("store");
  });

  it("heeds the request's no-store only where clients are honoured", () => {
    const request = { "cache-control": "No-Store" };
    expect(verdict({ request })).to.equal("store");
    expect(verdict({ request }, { clientDirectives: true })).to.equal("request-no-store");
  });

  it("decides by the targeted field alone where there is one", () => {
    const options = { targets: ["cdn-cache-control"] };
    const fields = { "cache-control": "no-store", "cdn-cache-control": "max-age=60" };
    expect(verdict({ fields }, options)).to.equal("store");
    expect(verdict({ fields })).to.equal("no-store");
    const refused = { "cache-control": "max-age=60", "cdn-cache-control": "private" };
    expect(verdict({ fields: refused }, options)).to.equal("private");
    expect(verdict({ fields: { ...refused, "cdn-cache-control": "Private" } }, options)).to.equal("store");
  });

  it("never throws, and stores nothing that holds a refusal outside of quotes", () => {
    const piece = fc.oneof(
      fc.constantFrom(",", "=", ";", "max-age=60", "public", "\\", " "),
      fc.string({ maxLength: 3 }),
    );
    const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("").replaceAll('"', ""));
    fc.assert(
      fc.property(
        text,
        fc.constantFrom("no-store", "private", "PRIVATE=x"),
        text,
        (before, refusal, after) => {
          const found = ofCacheControl(`max-age=60,${before},${refusal},${after}`);
          expect(found === "store" && !/must-understand/i.test(before + after)).to.equal(false);
        },
      ),
    );
  });
});
