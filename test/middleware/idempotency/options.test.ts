import { expect } from "chai";
import { idempotency } from "express-redis-suite/idempotency";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { RedisIdempotencyStore } from "express-redis-suite/stores/idempotency/redis";
import { redis } from "../../support/shared-redis.ts";
import { idempotentApp } from "./idempotent-app.ts";

const make = (options: object) => () =>
  idempotency({ store: new MemoryIdempotencyStore(), scope: () => "", ...options });

describe("the options of idempotency", () => {
  for (const [message, options] of Object.entries({
    'idempotency: unknown option "ttl"; use "ttlMs"': { ttl: 1 },
    'idempotency: unknown option "keyGenerator"; use "scope"': { keyGenerator: () => "" },
    "idempotency: scope must be a function of the request": { scope: "user" },
    "idempotency: fingerprint must be a function of the request": { fingerprint: "body" },
    'idempotency: methods must be a list of methods in capitals, such as ["POST"]': { methods: ["post"] },
    "idempotency: methods must be a list": { methods: [] },
    "idempotency: methods must not have GET": { methods: ["POST", "GET"] },
    "idempotency: required must be true or false": { required: "false" },
    "idempotency: ttlMs must be a whole number": { ttlMs: 0 },
    "idempotency: lockMs must be a whole number of milliseconds from 1 to 2147483647": { lockMs: 2 ** 31 },
    'idempotency: onStoreError must be "deny" or "allow"': { onStoreError: "ignore" },
    "idempotency: store must be an IdempotencyStore, such as redisStores(…).idempotency": { store: {} },
  })) {
    it(`are refused: ${message}`, () => expect(make(options)).to.throw(TypeError, message));
  }

  it("are refused for its stores, too", () => {
    expect(() => new MemoryIdempotencyStore({ maxRecordBytes: 0 })).to.throw(TypeError, "maxRecordBytes");
    expect(() => new MemoryIdempotencyStore({ maxBytes: -1 })).to.throw(TypeError, "maxBytes");
    // The longest record would be gone as soon as it was kept.
    const little = (): unknown =>
      new MemoryIdempotencyStore({ maxBytes: 1_000_999, maxRecordBytes: 1_000_000 });
    expect(little).to.throw(TypeError, "maxBytes must be at least 1000 more than maxRecordBytes (1000000)");
    const options = { client: redis(), prefix: "a" };
    expect(() => new RedisIdempotencyStore({ ...options, maxRecordBytes: 0.5 })).to.throw(TypeError);
    expect(() => new RedisIdempotencyStore({ ...options, prefix: "{a}" })).to.throw(TypeError, "prefix");
  });

  it("leave named functions in a stack trace", () => {
    expect([idempotency.name, make({})().name]).to.deep.equal(["idempotency", "idempotencyMiddleware"]);
  });

  it("send a scope that is no string to Express, and run nothing", async () => {
    const { post, runs } = idempotentApp(undefined, { scope: (req) => req.body.missing });
    const answer = await post('"a"');
    expect([answer.status, runs()]).to.deep.equal([500, 0]);
    expect(answer.text).to.contain("idempotency: scope must return a string, not undefined");
  });
});
