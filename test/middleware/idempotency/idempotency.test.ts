import { once } from "node:events";
import type { Socket } from "node:net";
import { expect } from "chai";
import { RedisIdempotencyStore } from "express-redis-suite/stores/idempotency/redis";
import { channels } from "express-redis-suite/telemetry";
import type { Response } from "express";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { serve } from "../rate-limit/served-app.ts";
import { idempotentApp, storeWith } from "./idempotent-app.ts";

describe("idempotency", () => {
  it("gives a retry the first answer, with its status and headers, and runs nothing", async () => {
    const { post, runs } = idempotentApp((req, res) => {
      res
        .status(201)
        .set("Location", "/orders/1")
        .set("X-Run", "first")
        .json({ run: req.app.locals["runs"] });
    });
    const [first, retry] = [await post('"a"'), await post('"a"')];
    expect(first.get("Idempotency-Replayed")).to.equal(undefined);
    expect(retry.get("Idempotency-Replayed")).to.equal("true");
    expect([retry.status, retry.body, retry.get("Location"), retry.get("X-Run"), retry.type]).to.deep.equal([
      201,
      { run: 1 },
      "/orders/1",
      "first",
      "application/json",
    ]);
    expect([first.status, first.body, runs()]).to.deep.equal([201, { run: 1 }, 1]);
  });

  it("lets requests without a key pass, and those of other methods", async () => {
    const { app, post, runs } = idempotentApp();
    const events = await collectEvents(channels.idempotency, async () => {
      expect([(await post(undefined)).status, (await post(undefined)).status]).to.deep.equal([201, 201]);
      for (const method of ["put", "delete", "get"] as const) {
        for (let sent = 0; sent < 2; sent++) {
          await request(app)[method]("/orders").set("Idempotency-Key", '"a"').expect(201);
        }
      }
    });
    expect([runs(), events]).to.deep.equal([8, []]);
  });

  it("is about the methods that it is told", async () => {
    const { app, post, runs } = idempotentApp(undefined, { methods: ["PUT"] });
    for (let sent = 0; sent < 2; sent++) await request(app).put("/orders").set("Idempotency-Key", '"a"');
    await post('"a"');
    await post('"a"');
    expect(runs()).to.equal(3);
  });

  it("answers 400 where a key is required and missing", async () => {
    const { post, runs } = idempotentApp(undefined, { required: true });
    const answer = await post(undefined);
    expect([answer.status, answer.type, runs()]).to.deep.equal([400, "application/problem+json", 0]);
    expect(answer.body).to.include({ status: 400, title: "Bad Request" });
    expect((await post('"a"')).status).to.equal(201);
  });

  it("keeps users, paths and methods with one key apart", async () => {
    const { app, post, runs } = idempotentApp();
    const asked = [
      await post('"a"'),
      await post('"a"', { user: "bob" }),
      await post('"a"', { path: "/refunds" }),
      await request(app)
        .patch("/orders")
        .set("X-User", "ann")
        .set("Idempotency-Key", '"a"')
        .send({ amount: 1 }),
    ];
    expect(asked.map(({ body }) => body.run)).to.deep.equal([1, 2, 3, 4]);
    expect((await post('"a"')).body).to.deep.equal({ run: 1 });
    expect(runs()).to.equal(4);
  });

  it("answers 422 for another payload with the same key, done or under way", async () => {
    const gate = createGate();
    const { post, runs } = idempotentApp(async (_req, res) => {
      await gate.pass();
      res.json({ ok: true });
    });
    const first = post('"a"');
    await gate.reached;
    const during = await post('"a"', { body: { amount: 2 } });
    gate.open();
    await first;
    const after = await post('"a"', { body: { amount: 2 } });
    for (const answer of [during, after]) {
      expect([answer.status, answer.type]).to.deep.equal([422, "application/problem+json"]);
      expect(answer.get("Retry-After")).to.equal(undefined);
    }
    expect((await post('"a"', { path: "/orders?page=2" })).status).to.equal(422);
    expect((await post('"a"')).body).to.deep.equal({ ok: true });
    expect(runs()).to.equal(1);
  });

  it("answers 409 with Retry-After while the first one works", async () => {
    const gate = createGate();
    const { post, runs } = idempotentApp(async (_req, res) => {
      await gate.pass();
      res.send("done");
    });
    const first = post('"a"');
    await gate.reached;
    const second = await post('"a"');
    expect([second.status, second.type, second.get("Retry-After")]).to.deep.equal([
      409,
      "application/problem+json",
      "1",
    ]);
    gate.open();
    expect((await first).text).to.equal("done");
    expect([(await post('"a"')).text, runs()]).to.deep.equal(["done", 1]);
  });

  it("runs the handler exactly once for 50 at the same time over Redis, and the others get 409 or its answer", async () => {
    const store = new RedisIdempotencyStore({ client: redis(), prefix: "app", deadlineMs: PATIENT_MS });
    const { post, runs } = idempotentApp(undefined, { store });
    const answers = await Promise.all(Array.from({ length: 50 }, () => post('"a"')));
    expect(runs()).to.equal(1);
    const own = answers.filter((answer) => answer.status === 201 && !answer.get("Idempotency-Replayed"));
    expect(own).to.have.length(1);
    for (const answer of answers) {
      if (answer.status === 201) expect(answer.body).to.deep.equal({ run: 1 });
      else expect([answer.status, answer.get("Retry-After")]).to.deep.equal([409, "1"]);
    }
  });

  it("costs one script before the work and one after, and one for a retry, and has hashes for keys", async () => {
    const store = new RedisIdempotencyStore({ client: redis(), prefix: "app", deadlineMs: PATIENT_MS });
    const { post } = idempotentApp(undefined, { store, ttlMs: 600_000 });
    await post('"warm"');
    expect(Object.fromEntries(await countCommands(redis(), () => post('"a"')))).to.deep.equal({ evalsha: 2 });
    expect(Object.fromEntries(await countCommands(redis(), () => post('"a"')))).to.deep.equal({ evalsha: 1 });
    const keys = await redis().keys("*");
    expect(keys).to.have.length(2);
    for (const key of keys) {
      expect(key).to.match(/^app:\{[\w-]{43}\}$/);
      expect(await redis().pttl(key)).to.be.within(500_000, 600_000);
      expect(await redis().hget(key, "fingerprint")).to.match(/^[\w-]{43}$/);
    }
  });

  it("keeps the answer before its client reads the end of it", async () => {
    const store = storeWith((memory) => ({
      async complete(...args) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        return memory.complete(...args);
      },
    }));
    const { post } = idempotentApp(undefined, { store });
    await post('"a"');
    expect((await post('"a"')).get("Idempotency-Replayed")).to.equal("true");
  });

  it("publishes what became of each request, once", async () => {
    const { post } = idempotentApp((_req, res) => void res.status(503).end());
    const { post: send } = idempotentApp();
    const events = await collectEvents(channels.idempotency, async () => {
      for (const key of ['"a"', '"a"', "é"]) await send(key);
      await send('"a"', { body: {} });
      await post('"a"');
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal([
      "recorded",
      "replayed",
      "invalid",
      "mismatch",
      "released",
    ]);
    for (const { durationMs } of events) expect(durationMs).to.be.at.least(0);
  });
});

describe("idempotency whose client has gone", () => {
  const headers = { "Idempotency-Key": '"a"', "X-User": "ann" };
  for (const [what, begin] of Object.entries({
    "has given up without an answer": () => {},
    "was in the middle of its answer": (res: Response) => void res.write("half"),
  })) {
    it(`frees the key after a while where the handler ${what}`, async () => {
      const gate = createGate();
      const { app, runs } = idempotentApp(
        async (req, res) => {
          if (req.app.locals["runs"] > 1) return void res.send("again");
          begin(res);
          await gate.pass();
        },
        { lockMs: 30 },
      );
      const served = await serve(app);
      try {
        const asking = served.send("/orders", { method: "POST", headers });
        await gate.reached;
        asking.destroy();
        await eventually(async () => {
          expect((await request(app).post("/orders").set(headers)).text).to.equal("again");
        });
        expect(runs()).to.equal(2);
      } finally {
        await served.stop();
      }
    });
  }

  for (const [what, isStreamed] of Object.entries({ "in one piece": false, "in several": true })) {
    it(`lets the handler work on, and gives its answer, ${what}, to the retry`, async () => {
      const gate = createGate();
      let socketOf = (): Socket => expect.fail("no request came");
      const { app, runs } = idempotentApp(async (req, res) => {
        socketOf = () => req.socket;
        await gate.pass();
        if (isStreamed) res.write('{"late"');
        if (isStreamed) res.end(":true}");
        else res.json({ late: true });
      });
      const retry = async (): Promise<request.Response> => request(app).post("/orders").set(headers);
      const served = await serve(app);
      try {
        const asking = served.send("/orders", { method: "POST", headers });
        await gate.reached;
        const gone = once(socketOf(), "close");
        asking.destroy();
        await gone;
        expect((await retry()).status).to.equal(409);
        gate.open();
        await eventually(async () => {
          const { status, text } = await retry();
          expect([status, text]).to.deep.equal([200, '{"late":true}']);
        });
        expect(runs()).to.equal(1);
      } finally {
        await served.stop();
      }
    });
  }
});
