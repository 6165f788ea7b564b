import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { ROOT } from "./repository-files.ts";

const PAGE = readFileSync(join(ROOT, "docs/session-security.md"), "utf8");

/** Each `file`: "name", "name" of the tables. */
function namedTests(): { readonly file: string; readonly name: string }[] {
  return [...PAGE.matchAll(/`(test\/[^`]+\.test\.ts)`:((?:,? "[^"]+")+)/g)].flatMap(
    ([, file = "", names = ""]) => [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ file, name })),
  );
}

describe("the table of security requirements", () => {
  it("names tests that there are", () => {
    const tests = namedTests();
    expect(tests).to.have.length.above(30);
    const missing = tests.filter(({ file, name }) => {
      const source = readFileSync(join(ROOT, file), "utf8");
      return !source.includes(`it("${name}"`) && !source.includes(`it(\`${name}\``);
    });
    expect(missing).to.deep.equal([]);
  });
});
