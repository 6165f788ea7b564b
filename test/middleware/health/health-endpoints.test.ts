import { expect } from "chai";
import express, { type Express } from "express";
import {
  healthEndpoints,
  type HealthEndpoints,
  type HealthEndpointsOptions,
} from "express-redis-suite/health";
import { health } from "express-redis-suite/redis";
import request from "supertest";
import { createGate } from "../../support/gate.ts";
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

  it("takes a slash at the end of a path, as Express does", async () => {
    const { app } = appWith({});
    expect((await request(app).get("/readyz/")).text).to.equal("ok\n");
    expect((await request(app).get("/livez/")).text).to.equal("ok\n");
  });

  it("says nothing after another layer has answered while it was checking", async () => {
    const gate = createGate();
    const app = express();
    app.use((_req, res, next) => {
      void gate.reached.then(() => res.status(504).end());
      next();
    });
    const check = async (): Promise<{ up: boolean }> => {
      await gate.pass();
      return { up: true };
    };
    app.use(healthEndpoints({ checks: { check }, timeoutMs: 5000 }));
    const errors: unknown[] = [];
    app.use(((error, _req, _res, _next) => void errors.push(error)) as express.ErrorRequestHandler);
    expect((await request(app).get("/readyz")).status).to.equal(504);
    gate.open();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(errors).to.deep.equal([]);
  });

  it("leaves other paths and methods to the app", async () => {
    const { app } = appWith({});
    app.use((_req, res) => void res.status(418).end());
    expect((await request(app).get("/")).status).to.equal(418);
    expect((await request(app).post("/livez")).status).to.equal(418);
  });

  it("names the option that is invalid or unknown, when it is made", () => {
    expect(() => healthEndpoints({ checks: {}, timeoutMs: 0 })).to.throw(TypeError, "timeoutMs");
    expect(() => healthEndpoints({ checks: {}, cacheMs: -1 })).to.throw(TypeError, "cacheMs");
    const unknown = { checks: {}, timeout: 5 };
    expect(() => healthEndpoints(unknown)).to.throw(
      TypeError,
      'healthEndpoints: unknown option "timeout"; use "timeoutMs"',
    );
    const none = { checks: { redis: "up" } } as unknown as HealthEndpointsOptions;
    expect(() => healthEndpoints(none)).to.throw(TypeError, "checks.redis must be a function");
    expect(() => healthEndpoints({} as HealthEndpointsOptions)).to.throw(TypeError, "checks");
  });
});
