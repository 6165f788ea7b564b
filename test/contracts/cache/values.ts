import { randomBytes } from "node:crypto";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { LONG_MS, text } from "./cache-store-under-test.ts";

export function describeValues(store: () => CacheStore): void {
  it("returns undefined for a key it never had", async () => {
    expect(await store().get("missing")).to.equal(undefined);
  });

  const values: Record<string, Buffer> = {
    "no bytes at all": Buffer.alloc(0),
    "every byte there is": Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    "bytes that are no UTF-8": Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
    "what looks like the protocol": text("$-1\r\n*2\r\n+OK\r\n"),
    "one megabyte": randomBytes(1024 * 1024),
  };
  for (const [what, value] of Object.entries(values)) {
    it(`gives back ${what} unchanged`, async () => {
      await store().set("k", value, LONG_MS);
      expect((await store().get("k"))?.equals(value)).to.equal(true);
    });
  }

  it("gives a value back as often as it is asked", async () => {
    await store().set("k", text("v"), LONG_MS);
    for (let time = 0; time < 3; time++) expect(String(await store().get("k"))).to.equal("v");
  });

  it("puts a value in place of the earlier one", async () => {
    await store().set("k", text("a longer one"), LONG_MS);
    await store().set("k", text("new"), LONG_MS);
    expect(String(await store().get("k"))).to.equal("new");
  });
}
