import { expect } from "chai";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";

describe("fieldsOf", () => {
  it("finds a field whichever case its name was sent in", () => {
    const fields = fieldsOf([["Content-Type", "text/plain"]]);
    expect(fields("content-type")).to.equal("text/plain");
    expect(fields("content-length")).to.equal(undefined);
  });

  it("joins several lines of one field, of one entry and of several", () => {
    const fields = fieldsOf([
      ["Vary", "a"],
      ["x", "1"],
      ["vary", ["b", "c"]],
    ]);
    expect(fields("vary")).to.equal("a, b, c");
  });

  it("tells an empty field from one that is absent, and knows no name that nobody sent", () => {
    const fields = fieldsOf([
      ["Accept", ""],
      ["Cookie", []],
    ]);
    expect(fields("accept")).to.equal("");
    expect(fields("cookie")).to.equal(undefined);
    expect(fields("__proto__")).to.equal(undefined);
    expect(fields("constructor")).to.equal(undefined);
  });
});
