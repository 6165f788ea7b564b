import { createHash } from "node:crypto";
import { expect } from "chai";
import express from "express";
import fc from "fast-check";
import { idempotency } from "express-redis-suite/idempotency";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import request from "supertest";
import { addCanonical } from "../../../middleware/idempotency/canonical-body.ts";
import { idempotentApp } from "./idempotent-app.ts";

function canonical(body: unknown): string {
  const hash = createHash("sha256");
  addCanonical(hash, body);
  return hash.digest("hex");
}

/** The same with the members of each object in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, turned(member)] as const);
  return Object.fromEntries(members.toReversed());
}

describe("the payload of a key", () => {
  it("is the same whatever the order of an object's members", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(canonical(turned(body))).to.equal(canonical(body));
      }),
    );
  });

  it("is another where the JSON is", () => {
    const sorted = (body: unknown): string =>
      JSON.stringify(body, (_, value: unknown) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
          : value,
      );
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        expect(canonical(one) === canonical(other)).to.equal(sorted(one) === sorted(other));
      }),
    );
    const bodies = [
      undefined,
      null,
      {},
      [],
      "",
      "{}",
      0,
      "0",
      false,
      "undefined",
      [[]],
      [[], []],
      [[[]]],
      [1, 2],
      [12],
      ["1,2"],
      { a: 1 },
      { a: "1" },
      { "a:1": 1 },
      { a: { b: 1 } },
      { a: {}, b: 1 },
      1n,
      NaN,
      Buffer.from("1"),
      Buffer.from("bytes 1 1"),
      [Buffer.from("1"), 1],
      "\ud800",
      "\ud801",
      new Date(0),
      new Date(1),
    ];
    expect(new Set(bodies.map(canonical)).size).to.equal(bodies.length);
  });

  it("may be nested deeper than a stack, and may be a long list", () => {
    const deep: unknown = JSON.parse("[".repeat(50_000) + "]".repeat(50_000));
    expect(canonical(deep)).not.to.equal(canonical([]));
    expect(canonical(Array.from({ length: 100_000 }, () => 1))).to.be.a("string");
  });

  it("may hold one object twice, but not itself", () => {
    const shared = { a: 1 };
    expect(canonical([shared, shared])).to.equal(canonical([{ a: 1 }, { a: 1 }]));
    const own: Record<string, unknown> = {};
    own["own"] = [own];
    expect(() => canonical(own)).to.throw(TypeError, "contains itself");
  });

  for (const [what, body] of Object.entries({
    "a Map": new Map(),
    "a function": () => {},
    "a form": new URLSearchParams("a=1"),
  })) {
    it(`may not be ${what}, which says nothing as JSON`, () => {
      expect(() => canonical({ body })).to.throw(TypeError, "give a fingerprint");
    });
  }

  it("is the same where a client writes its body in another order, and another with another media type", async () => {
    const { app, post, runs } = idempotentApp();
    await post('"a"', { body: { amount: 1, to: { name: "x", city: "y" } } });
    const retry = await post('"a"', { body: { to: { city: "y", name: "x" }, amount: 1 } });
    expect([retry.status, runs()]).to.deep.equal([201, 1]);
    const send = (type: string): request.Test =>
      request(app)
        .post("/orders")
        .set({ "X-User": "ann", "Idempotency-Key": "b", "Content-Type": type })
        .send("{}");
    expect((await send("application/json")).status).to.equal(201);
    expect((await send("Application/JSON; charset=utf-8")).status).to.equal(201);
    expect((await send("application/vnd.api+json")).status).to.equal(422);
    expect(runs()).to.equal(2);
  });

  it("is of bytes and text, too", async () => {
    for (const parser of [express.raw({ type: "*/*" }), express.text({ type: "*/*" })]) {
      const app = express().use(parser);
      app.post(
        "/",
        idempotency({ store: new MemoryIdempotencyStore(), scope: () => "" }),
        (_req, res) => void res.end(),
      );
      const send = async (body: string): Promise<number> =>
        (
          await request(app)
            .post("/")
            .set({ "Idempotency-Key": "a", "Content-Type": "text/plain" })
            .send(body)
        ).status;
      expect([await send("one"), await send("two"), await send("one")]).to.deep.equal([200, 422, 200]);
    }
  });

  it("may be the user's own, with or without a promise, and a mistake in it goes to Express", async () => {
    const store = new MemoryIdempotencyStore();
    const { post, runs } = idempotentApp(undefined, {
      store,
      fingerprint: async (req) => String(req.body.amount),
    });
    await post('"a"', { body: { amount: 1, note: "first" } });
    expect((await post('"a"', { body: { amount: 1, note: "again" } })).status).to.equal(201);
    expect((await post('"a"', { body: { amount: 2 } })).status).to.equal(422);
    const broken = idempotentApp(undefined, { fingerprint: (req) => req.body.missing });
    const answer = await broken.post('"a"');
    expect([answer.status, runs(), broken.runs()]).to.deep.equal([500, 1, 0]);
    expect(answer.text).to.contain("idempotency: fingerprint must return a string, not undefined");
  });
});
