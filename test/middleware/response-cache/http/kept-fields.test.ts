import { expect } from "chai";
import { keptFields } from "../../../../middleware/response-cache/http/kept-fields.ts";

describe("keptFields", () => {
  it("keeps what tells of the response, in its order and as it was written", () => {
    const list = [
      ["Content-Type", "text/plain"],
      ["Date", "Fri, 20 Nov 2026 00:00:00 GMT"],
      ["Link", ["<a>", "<b>"]],
      ["ETag", '"a"'],
      ["X-Own", ""],
    ] as const;
    expect(keptFields(list)).to.deep.equal(list);
  });

  it("drops the fields of the connection, in any case", () => {
    const names = [
      "Connection",
      "Keep-Alive",
      "Proxy-Authenticate",
      "Proxy-Authentication-Info",
      "Proxy-Authorization",
      "Proxy-Connection",
      "TE",
      "Trailer",
      "Transfer-Encoding",
      "Upgrade",
    ];
    expect(keptFields(names.map((name) => [name, "x"] as const))).to.deep.equal([]);
  });

  it("drops the fields that Connection names, on all of its lines", () => {
    const list = [
      ["Connection", ["close, X-One", " x-two\t,,"]],
      ["connection", "X-Three"],
      ["x-one", "1"],
      ["X-Two", "2"],
      ["X-Three", "3"],
      ["X-Four", "4"],
    ] as const;
    expect(keptFields(list)).to.deep.equal([["X-Four", "4"]]);
  });

  it("drops what belongs to one response or one client", () => {
    const names = [
      "Age",
      "Cache-Status",
      "Content-Length",
      "RateLimit",
      "RateLimit-Policy",
      "X-RateLimit-Limit",
    ];
    const list = [...names, "Retry-After", "X-Request-Id"].map((name) => [name, "1"] as const);
    expect(keptFields(list)).to.deep.equal([]);
  });

  it("keeps a cookie only where cookies are stored", () => {
    const list = [["Set-Cookie", ["a=b"]]] as const;
    expect(keptFields(list)).to.deep.equal([]);
    expect(keptFields(list, "strip")).to.deep.equal([]);
    expect(keptFields(list, "store")).to.deep.equal(list);
  });
});
