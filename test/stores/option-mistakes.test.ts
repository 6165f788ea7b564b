import { expect } from "chai";
import express from "express";
import { crossOriginProtection } from "express-redis-suite/cross-origin-protection";
import { healthEndpoints } from "express-redis-suite/health";
import { perMinute, rateLimit } from "express-redis-suite/rate-limit";
import { parseRedisUrl } from "express-redis-suite/redis";
import { session } from "express-redis-suite/session";
import request from "supertest";

const refusal = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  return "";
};

describe("mistakes that beginners make", () => {
  it("are told of as what they are: a factory used as a middleware", async () => {
    for (const factory of [rateLimit, session, crossOriginProtection]) {
      const app = express().set("env", "test");
      app.use(factory as unknown as express.RequestHandler);
      expect((await request(app).get("/")).text).to.include(`call it: app.use(${factory.name}({`);
    }
  });

  it("are told of as what they are: no options", () => {
    expect(refusal(rateLimit as () => unknown)).to.equal("rateLimit: options are missing");
  });

  it("are told of as what they are: URLs", () => {
    expect(refusal(() => parseRedisUrl("localhost:6379"))).to.include('write "redis://host:port"');
    expect(refusal(() => parseRedisUrl("redis-cluster://a:1"))).to.include('write "redis+cluster"');
  });

  it("are told of as what they are: an origin with a wildcard", () => {
    const make = (): unknown => crossOriginProtection({ trustedOrigins: ["https://*.example.com"] });
    expect(refusal(make)).to.include("wildcard");
  });

  it("are told of as what they are: an algorithm in place of the options", () => {
    expect(refusal(() => perMinute(5, "gcra" as never))).to.include('{ algorithm: "gcra" }');
  });

  it("are told of as what they are: a health check that returns nothing", async () => {
    for (const found of [undefined, true, { up: "yes" }]) {
      const app = express().use(healthEndpoints({ checks: { it: async () => found as never } }));
      const { status, text } = await request(app).get("/readyz?verbose");
      expect([status, text]).to.deep.equal([503, "- it: must return { up }\nunavailable\n"]);
    }
  });
});
