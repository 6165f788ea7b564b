import { expect } from "chai";
import express, { type Express } from "express";
import {
  healthEndpoints,
  type HealthEndpoints,
  type HealthEndpointsOptions,
} from "express-redis-suite/health";
import { health } from "express-redis-suite/redis";
import request from "supertest";
import { redis } from "../../support/shared-redis.ts";

function appWith(options: Partial<HealthEndpointsOptions>): { app: Express; endpoints: HealthEndpoints } {
  const endpoints = healthEndpoints({ checks: {}, ...options });
  const app = express();
  app.use(endpoints);
  return { app, endpoints };
}

describe("healthEndpoints", () => {
  it("says that the process lives without asking anything", async () => {
    const { app } = appWith({ checks: { redis: () => expect.fail("asked") } });
    const answer = await request(app).get("/livez");
    expect([answer.status, answer.text]).to.deep.equal([200, "ok\n"]);
  });

  it("is ready while a real Redis answers", async () => {
    const { app } = appWith({ checks: { redis: () => health(redis()) } });
    const answer = await request(app).get("/readyz?verbose");
    expect([answer.status, answer.text]).to.deep.equal([200, "+ redis\nok\n"]);
    expect(answer.get("Cache-Control")).to.equal("no-store");
  });

  it("is not ready when one check is down, throws, or does not answer in time", async () => {
    const { app } = appWith({
      timeoutMs: 50,
      checks: {
        fine: async () => ({ up: true }),
        down: async () => ({ up: false, reason: "closed" }),
        broken: () => Promise.reject(new Error("refused")),
        silent: () => new Promise(() => {}),
      },
    });
    const answer = await request(app).get("/readyz?verbose");
    expect(answer.status).to.equal(503);
    expect(answer.text.split("\n")).to.deep.equal([
      "+ fine",
      "- down: closed",
      "- broken: refused",
      "- silent: no answer within 50 ms",
      "unavailable",
      "",
    ]);
    expect((await request(app).get("/readyz")).text).to.equal("unavailable\n");
  });

  it("asks each check once for many probes", async () => {
    let asked = 0;
    const { app } = appWith({ checks: { redis: async () => ({ up: ++asked > 0 }) } });
    await Promise.all([1, 2, 3, 4].map(() => request(app).get("/readyz")));
    expect(asked).to.equal(1);
  });

  it("is alive but not ready once it drains", async () => {
    const { app, endpoints } = appWith({});
    expect((await request(app).get("/readyz")).status).to.equal(200);
    endpoints.drain();
    expect((await request(app).get("/readyz")).status).to.equal(503);
    expect((await request(app).get("/livez")).status).to.equal(200);
  });

  it("leaves other paths and methods to the app", async () => {
    const { app } = appWith({});
    app.use((_req, res) => void res.status(418).end());
    expect((await request(app).get("/")).status).to.equal(418);
    expect((await request(app).post("/livez")).status).to.equal(418);
  });

  it("names the option that cannot be, when it is made", () => {
    expect(() => healthEndpoints({ checks: {}, timeoutMs: 0 })).to.throw(TypeError, "timeoutMs");
    expect(() => healthEndpoints({ checks: {}, cacheMs: -1 })).to.throw(TypeError, "cacheMs");
  });
});
