import { expect } from "chai";
import { LocalValues } from "../../../stores/cache/tiered/local-values.ts";

const value = Buffer.from("v");

describe("LocalValues", () => {
  let now = 0;
  let local: LocalValues;
  beforeEach(() => {
    now = 0;
    local = new LocalValues(10_000, () => now);
  });

  it("keeps what was read until its time is over", () => {
    local.settle(local.expect("k"), value, 10);
    now = 9;
    expect(local.get("k")).to.deep.equal(value);
    now = 10;
    expect(local.get("k")).to.equal(undefined);
    expect(local.entries).to.equal(0);
  });

  const overtaking: Record<string, () => void> = {
    "an invalidation": () => local.drop("k"),
    "a flush": () => local.flush(),
  };
  for (const [name, happen] of Object.entries(overtaking)) {
    it(`keeps nothing of a read that ${name} has overtaken, but what is read after it`, () => {
      const [early, alike] = [local.expect("k"), local.expect("k")];
      happen();
      const late = local.expect("k");
      local.settle(early, Buffer.from("old"), 10);
      expect(local.get("k")).to.equal(undefined);
      local.settle(late, value, 10);
      local.settle(alike, Buffer.from("old"), 10);
      expect(local.get("k")).to.deep.equal(value);
    });
  }

  it("keeps a read that an invalidation of another key has overtaken", () => {
    const placeholder = local.expect("k");
    local.drop("other");
    local.settle(placeholder, value, 10);
    expect(local.get("k")).to.deep.equal(value);
  });

  it("remembers no invalidation for reads that begin after all others have ended", () => {
    local.settle(local.expect("k"), undefined, 10);
    local.drop("k");
    local.settle(local.expect("k"), value, 10);
    expect(local.get("k")).to.deep.equal(value);
  });

  it("holds no more memory than the value has", () => {
    const chunk = Buffer.alloc(60_000);
    local.settle(local.expect("k"), chunk.subarray(10, 20), 10);
    expect((local.get("k") as Buffer).buffer.byteLength).to.equal(10);
  });
});
