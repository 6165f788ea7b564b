import { expect } from "chai";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import { targetedDirectives } from "../../../../middleware/response-cache/http/targeted.ts";

const TARGETS = ["our-cache-control", "cdn-cache-control"];

describe("targetedDirectives", () => {
  it("reads the first field of the list that is there", () => {
    const fields = fieldsOf([
      ["CDN-Cache-Control", "max-age=1"],
      ["Our-Cache-Control", "max-age=2, must-revalidate"],
      ["Cache-Control", "no-store"],
    ]);
    const directives = targetedDirectives(fields, TARGETS);
    expect(directives?.seconds("max-age")).to.equal(2);
    expect(directives?.isBare("must-revalidate")).to.equal(true);
    expect(directives?.has("no-store")).to.equal(false);
  });

  it("goes on to the next where one is empty or cannot be read", () => {
    for (const text of ["", " ", "max-age=&&&", "Max-Age=60", "max-age=60,", "max-age: 60"]) {
      const both = fieldsOf([
        ["Our-Cache-Control", text],
        ["CDN-Cache-Control", "max-age=1"],
      ]);
      expect(targetedDirectives(both, TARGETS)?.seconds("max-age"), text).to.equal(1);
      expect(targetedDirectives(fieldsOf([["CDN-Cache-Control", text]]), TARGETS), text).to.equal(undefined);
    }
  });

  it("reads no field that is not in the list", () => {
    expect(targetedDirectives(fieldsOf([["CDN-Cache-Control", "max-age=1"]]), [])).to.equal(undefined);
  });

  it("takes several lines for one, and leaves parameters out", () => {
    const fields = fieldsOf([
      ["CDN-Cache-Control", "max-age=60;x=1"],
      ["CDN-Cache-Control", "private;foo"],
    ]);
    const directives = targetedDirectives(fields, TARGETS);
    expect(directives?.seconds("max-age")).to.equal(60);
    expect(directives?.has("private")).to.equal(true);
  });

  it("counts whole seconds only", () => {
    for (const text of [
      'max-age="60"',
      "max-age=60.5",
      "max-age=-60",
      "max-age",
      "max-age=a",
      "max-age=(60)",
    ]) {
      const directives = targetedDirectives(fieldsOf([["CDN-Cache-Control", text]]), TARGETS);
      expect(directives?.seconds("max-age"), text).to.equal(0);
    }
  });

  it("takes a refusal for one whatever its value is, and a permission in its plain form only", () => {
    const directives = targetedDirectives(
      fieldsOf([["CDN-Cache-Control", "no-store=?0, public=?0"]]),
      TARGETS,
    );
    expect(directives?.has("no-store")).to.equal(true);
    expect(directives?.isBare("public")).to.equal(false);
  });
});
