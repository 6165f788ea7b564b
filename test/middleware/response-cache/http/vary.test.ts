import { expect } from "chai";
import fc from "fast-check";
import { fieldsOf } from "../../../../middleware/response-cache/http/fields.ts";
import { varyNames, varyValues } from "../../../../middleware/response-cache/http/vary.ts";

describe("varyNames", () => {
  const names: [string | undefined, string[] | "*"][] = [
    [undefined, []],
    ["", []],
    [" , ,", []],
    ["Accept", ["accept"]],
    ["foo, Accept ,\tFOO,,bar", ["accept", "bar", "foo"]],
    ["*", "*"],
    [" * ", "*"],
    ["accept, *", "*"],
    ["*, accept", "*"],
    ["a b", "*"],
    ["a;b", "*"],
    ["a:", "*"],
    ['"a"', "*"],
    ["ä", "*"],
  ];
  for (const [text, expected] of names) {
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(expected)}`, () => {
      expect(varyNames(text)).to.deep.equal(expected);
    });
  }

  it("never throws, and is the same for any order", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom("a", "B", "c"))), (members) => {
        expect(varyNames(members.join(","))).to.deep.equal(varyNames(members.toReversed().join(" , ")));
      }),
    );
  });
});

describe("varyValues", () => {
  const values = (value: string | string[], name = "foo"): string[] =>
    varyValues([name], fieldsOf([[name, value]]));

  it("tells an absent field from an empty one, and from any text", () => {
    const absent = varyValues(["foo"], fieldsOf([]));
    expect(absent).not.to.deep.equal(values(""));
    expect(absent).not.to.deep.equal(values("absent"));
    expect(varyValues(["foo"], fieldsOf([["foobar", "1"]]))).to.deep.equal(absent);
  });

  it("takes several lines, and blanks around the members of a list, for the same", () => {
    for (const same of ["1,2", "1, 2", " 1 ,\t2 ", ["1", "2"], "1,,2,"]) {
      expect(values(same), String(same)).to.deep.equal(values("1, 2"));
    }
  });

  it("tells other values apart, their order and their case included", () => {
    for (const other of ["2, 1", "1", "1 2", "12", "1, 2, 2", "1; 2"]) {
      expect(values(other), other).not.to.deep.equal(values("1, 2"));
    }
    expect(values("A")).not.to.deep.equal(values("a"));
  });

  it("leaves alone what stands in quotes", () => {
    expect(values('"a, b"')).not.to.deep.equal(values('"a,b"'));
    expect(values('"a\\", b", c')).to.deep.equal(values('"a\\", b",c'));
    expect(values('x"a, b')).not.to.deep.equal(values('x"a,b'));
  });

  it("reads the fields whose case means nothing in any case", () => {
    for (const name of ["accept-language", "accept-encoding", "accept-charset"]) {
      expect(values("EN, de", name)).to.deep.equal(values("en,DE", name));
    }
  });

  it("keeps the order of the names", () => {
    const fields = fieldsOf([
      ["b", "2"],
      ["a", "1"],
    ]);
    expect(varyValues(["a", "b"], fields)).to.deep.equal(varyValues(["b", "a"], fields).toReversed());
  });

  it("never throws, and is the same for the same text", () => {
    const piece = fc.oneof(fc.constantFrom('"', ",", "\\", " ", "\t", "a"), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join("");
        expect(values(text)).to.deep.equal(values(text));
        expect(values(text)[0]).to.match(/^=/);
      }),
    );
  });
});
