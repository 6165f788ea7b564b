import { expect } from "chai";
import fc from "fast-check";
import { merge } from "../../../../stores/session/redis/merge.ts";

type Data = Record<string, unknown>;

const KEYS = ["a", "b", "c", "1", "toString", "constructor", "", "é"];
const COOKIES = ['{"originalMaxAge":null}', '{"originalMaxAge":1000}', '{"originalMaxAge":2000,"path":"/"}'];

const anyData: fc.Arbitrary<Data> = fc
  .dictionary(fc.constantFrom(...KEYS), fc.oneof(fc.nat(2), fc.jsonValue({ maxDepth: 2 })))
  .map((data) => JSON.parse(JSON.stringify(data)) as Data)
  .filter((data) => !JSON.stringify(data).includes("__proto__"));
const anySide = fc.record({ cookie: fc.constantFrom(...COOKIES), data: anyData });

const textOf = ({ cookie, data }: { cookie: string; data: Data }): string =>
  `${cookie}\n${JSON.stringify(data)}`;
const json = (data: Data, key: string): string | undefined =>
  Object.hasOwn(data, key) ? JSON.stringify(data[key]) : undefined;

/** By hand, key by key. */
function expected(base: Data, mine: Data, theirs: Data): { data: Data; conflicts: number } {
  const data: Data = {};
  let conflicts = 0;
  for (const key of KEYS) {
    const [was, is, other] = [json(base, key), json(mine, key), json(theirs, key)];
    if (is !== was && other !== was && is !== other) conflicts++;
    const kept = is === was ? other : is;
    if (kept !== undefined) data[key] = JSON.parse(kept);
  }
  return { data, conflicts };
}

describe("the merge of what two have made of a session", () => {
  it("is what one gets key by key, for any three", () => {
    fc.assert(
      fc.property(anySide, anySide, anySide, (base, mine, theirs) => {
        const { text, conflicts } = merge({
          base: textOf(base),
          mine: textOf(mine),
          theirs: textOf(theirs),
        });
        const by = expected(base.data, mine.data, theirs.data);
        const [cookie, data = ""] = text.split("\n");
        expect(JSON.parse(data)).to.deep.equal(by.data);
        expect(cookie).to.equal(mine.cookie === base.cookie ? theirs.cookie : mine.cookie);
        const cookies = new Set([base.cookie, mine.cookie, theirs.cookie]);
        expect(conflicts).to.equal(by.conflicts + (cookies.size === 3 ? 1 : 0));
      }),
      { numRuns: 1000 },
    );
  });

  it("keeps what one has added, changed and removed, beside what the other has", () => {
    const sides = {
      base: '{"originalMaxAge":null}\n{"kept":1,"changed":1,"removed":1,"theirs":1}',
      mine: '{"originalMaxAge":null}\n{"kept":1,"changed":2,"theirs":1,"added":1}',
      theirs: '{"originalMaxAge":null}\n{"kept":1,"changed":1,"removed":1,"theirs":2,"new":1}',
    };
    const { text, conflicts } = merge(sides);
    expect(JSON.parse(text.split("\n")[1] ?? "")).to.deep.equal({
      kept: 1,
      changed: 2,
      theirs: 2,
      added: 1,
      new: 1,
    });
    expect(conflicts).to.equal(0);
  });
});
