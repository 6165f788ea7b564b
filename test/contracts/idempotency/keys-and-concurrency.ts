import { expect } from "chai";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { AWKWARD_IDS } from "../awkward-ids.ts";
import { begin, complete, expectDone, LONG_MS, type OpenIdempotencyStore } from "./under-test.ts";

export function describeKeys(store: () => IdempotencyStore, open: OpenIdempotencyStore): void {
  it("keeps every key apart, whatever characters it has and however long it is", async () => {
    const states = await Promise.all(AWKWARD_IDS.map((id) => begin(store(), id, "a")));
    expect(AWKWARD_IDS.filter((_, at) => states[at] !== "begun")).to.deep.equal([]);
    const ended = await Promise.all(
      AWKWARD_IDS.map((id, at) => complete(store(), id, "a", { record: Buffer.from(String(at)) })),
    );
    expect(AWKWARD_IDS.filter((_, at) => !ended[at])).to.deep.equal([]);
    for (const [at, id] of AWKWARD_IDS.entries()) {
      expect(String((await expectDone(store(), id)).record)).to.equal(String(at));
    }
  });

  it("takes any string for an owner and for a fingerprint", async () => {
    for (const [at, text] of AWKWARD_IDS.filter((id) => !/^[\ud800\ud801]$/.test(id)).entries()) {
      const work = { owner: text, fingerprint: text, lockMs: LONG_MS };
      await store().begin(`k${at}`, work);
      const seen = await store().begin(`k${at}`, { ...work, owner: `${text}x` });
      expect(seen).to.include({ state: "in-progress", fingerprint: text });
      expect(await store().abandon(`k${at}`, text)).to.equal(true);
    }
  });

  it("keeps one key apart under two prefixes", async () => {
    const other = open("idempotency2");
    await begin(store(), "k", "a");
    expect(await other.abandon("k", "a")).to.equal(false);
    expect(await begin(other, "k", "b")).to.equal("begun");
    await complete(other, "k", "b");
    expect(await begin(store(), "k", "c")).to.equal("in-progress");
  });
}

export function describeConcurrency(open: OpenIdempotencyStore): void {
  it("gives a key to exactly one of 100 askers over four connections", async () => {
    const states = await Promise.all(
      Array.from({ length: 100 }, (_, at) => begin(open("idempotency", at % 4), "k", `owner ${at}`)),
    );
    expect(states.filter((state) => state === "begun")).to.have.length(1);
    expect(states.filter((state) => state === "in-progress")).to.have.length(99);
  });

  it("lets no asker begin between the work and its record", async () => {
    await begin(open("idempotency"), "k", "a");
    const asking = Array.from({ length: 100 }, (_, at) =>
      begin(open("idempotency", at % 4), "k", `owner ${at}`),
    );
    await complete(open("idempotency"), "k", "a");
    const states = await Promise.all(asking);
    expect(states.filter((state) => state === "begun")).to.deep.equal([]);
  });

  it("lets exactly one of many abandon, and then exactly one of many begin", async () => {
    await begin(open("idempotency"), "k", "a");
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => open("idempotency", at % 4).abandon("k", "a")),
    );
    expect(answers.filter(Boolean)).to.have.length(1);
  });
}
