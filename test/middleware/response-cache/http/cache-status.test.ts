import { expect } from "chai";
import fc from "fast-check";
import { formatCacheStatus } from "../../../../middleware/response-cache/http/cache-status.ts";

describe("formatCacheStatus", () => {
  it("tells of a hit", () => {
    expect(formatCacheStatus("cache", { hit: true, ttl: 42 })).to.equal("cache; hit; ttl=42");
    expect(formatCacheStatus("cache", { hit: true, ttl: -3.5 })).to.equal("cache; hit; ttl=-4");
  });

  it("tells of a request that went on, and why", () => {
    const member = {
      fwd: "uri-miss",
      fwdStatus: 200,
      stored: true,
      collapsed: true,
      ttl: 60,
      detail: "vary",
    } as const;
    expect(formatCacheStatus("cache", member)).to.equal(
      "cache; fwd=uri-miss; fwd-status=200; stored; collapsed; ttl=60; detail=vary",
    );
    expect(formatCacheStatus("cache", { fwd: "bypass", stored: false })).to.equal("cache; fwd=bypass");
  });

  it("puts into quotes what is no token", () => {
    expect(formatCacheStatus("my cache", { hit: true })).to.equal('"my cache"; hit');
    expect(formatCacheStatus("c", { hit: true, key: 'a"b\\c' })).to.equal('c; hit; key="a\\"b\\\\c"');
    expect(formatCacheStatus("c", { fwd: "miss", detail: "it, is; so" })).to.equal(
      'c; fwd=miss; detail="it, is; so"',
    );
    expect(formatCacheStatus("", { hit: true })).to.equal('""; hit');
  });

  it("lets nothing out of the field", () => {
    const text = formatCacheStatus("c", { hit: true, key: "a\r\nSet-Cookie: x\u0000ü😀" });
    expect(text).to.equal('c; hit; key="a??Set-Cookie: x???"');
  });

  it("writes only numbers that can be written", () => {
    expect(formatCacheStatus("c", { hit: true, ttl: Infinity })).to.equal("c; hit; ttl=999999999999999");
    expect(formatCacheStatus("c", { hit: true, ttl: 1e21 })).to.equal("c; hit; ttl=999999999999999");
    expect(formatCacheStatus("c", { hit: true, ttl: Number.NaN })).to.equal("c; hit; ttl=0");
  });

  it("is one member whatever the texts are", () => {
    const valid =
      /^(?:[A-Za-z*][\w!#$%&'*+.^`|~:/-]*|"(?:[ !#-[\]-~]|\\["\\])*"); hit; key="(?:[ !#-[\]-~]|\\["\\])*"$/;
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (cache, key) => {
        expect(formatCacheStatus(cache, { hit: true, key })).to.match(valid);
      }),
    );
  });
});
