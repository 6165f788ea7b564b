import { expect } from "chai";
import fc from "fast-check";
import { invalidatedUrls } from "../../../../middleware/response-cache/http/invalidation.ts";

const URL_A = "http://a.example/list/1?x=%7e";

function urls(
  method: string,
  status: number,
  locations: { location?: string; contentLocation?: string } = {},
): string[] {
  return invalidatedUrls({ method, url: URL_A }, { status, ...locations });
}

describe("invalidatedUrls", () => {
  it("names the target of an unsafe method, as it was given", () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO", "get"]) {
      expect(urls(method, 200), method).to.deep.equal([URL_A]);
    }
  });

  it("names nothing for a safe method", () => {
    for (const method of ["GET", "HEAD", "OPTIONS", "TRACE"]) {
      expect(urls(method, 200, { location: "/b" }), method).to.deep.equal([]);
    }
  });

  it("names nothing after an error", () => {
    for (const status of [200, 201, 204, 299, 301, 303, 399]) expect(urls("POST", status)).to.have.length(1);
    for (const status of [100, 199, 400, 404, 409, 500, 503, 599]) {
      expect(urls("POST", status, { location: "/b", contentLocation: "/c" }), String(status)).to.deep.equal(
        [],
      );
    }
  });

  it("adds Location and Content-Location, resolved, without a fragment", () => {
    expect(urls("POST", 201, { location: "2#top", contentLocation: "/c?d" })).to.deep.equal([
      URL_A,
      "http://a.example/list/2",
      "http://a.example/c?d",
    ]);
    expect(urls("POST", 201, { location: "http://a.example:80/b" })).to.deep.equal([
      URL_A,
      "http://a.example/b",
    ]);
    expect(urls("POST", 201, { location: URL_A, contentLocation: URL_A })).to.deep.equal([URL_A]);
  });

  it("lets nobody name a URL of another origin", () => {
    const others = [
      "http://b.example/x",
      "//b.example/x",
      "https://a.example/x",
      "http://a.example:81/x",
      "http://a.example@b.example/x",
      "\\\\b.example/x",
      "data:,x",
      "javascript:x",
      "http://",
      "http://[",
    ];
    for (const other of others) {
      expect(urls("POST", 200, { location: other, contentLocation: other }), other).to.deep.equal([URL_A]);
    }
    const opaque = invalidatedUrls({ method: "POST", url: "foo:x" }, { status: 200, location: "foo:y" });
    expect(opaque).to.deep.equal(["foo:x"]);
  });

  it("never throws, and names only URLs of the target's origin", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl()), fc.string(), (location, url) => {
        for (const found of urls("POST", 200, { location })) expect(found).to.match(/^http:\/\/a\.example\//);
        expect(invalidatedUrls({ method: "POST", url }, { status: 200, location })[0]).to.equal(url);
      }),
    );
  });
});
