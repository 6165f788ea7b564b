import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { channels } from "express-redis-suite/telemetry";
import type request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { idempotentApp } from "./idempotent-app.ts";

const isReplayed = (answer: request.Response): boolean => answer.get("Idempotency-Replayed") === "true";

describe("an answer to a request with a key", () => {
  const kept: Record<string, RequestHandler> = {
    "a 200 of text": (_req, res) => void res.send("text"),
    "a 204": (_req, res) => void res.status(204).end(),
    "a redirect": (_req, res) => res.redirect(303, "/orders/1"),
    "a 202 that says when to look again": (_req, res) =>
      void res.status(202).set("Retry-After", "5").send("soon"),
    "a 400": (_req, res) => void res.status(400).json({ error: "no amount" }),
    "a 403": (_req, res) => void res.sendStatus(403),
    "a 409 that no wait helps": (_req, res) => void res.status(409).send("taken"),
    "a 422": (_req, res) => void res.status(422).send("negative"),
    bytes: (_req, res) => void res.type("png").send(Buffer.from([0, 255, 1, 254])),
    "what is written in parts": (_req, res) => {
      res.writeHead(200, { "Content-Type": "text/plain", "X-Part": ["1", "2"] });
      res.write("one ");
      res.write(Buffer.from("two "));
      res.end("three");
    },
    "what is piped": (_req, res) => pipeline(Readable.from(["one ", "two"]), res.status(201)),
    "two fields of one name": (_req, res) => void res.append("Link", "<a>").append("Link", "<b>").end(),
    "what follows an end that Node refuses": (_req, res) => {
      try {
        res.end({} as string);
      } catch {
        res.end("mended");
      }
    },
  };
  for (const [what, handler] of Object.entries(kept)) {
    it(`is kept: ${what}`, async () => {
      const { post, runs } = idempotentApp(handler);
      const [first, retry] = [await post('"a"'), await post('"a"')];
      expect([isReplayed(first), isReplayed(retry), runs()]).to.deep.equal([false, true, 1]);
      const seen = ({ status, text, body, headers }: request.Response): object => {
        const { date: _date, "idempotency-replayed": _mark, "content-length": _length, ...others } = headers;
        delete others["transfer-encoding"];
        return { status, text, body, headers: others };
      };
      expect(seen(retry)).to.deep.equal(seen(first));
    });
  }

  const released: Record<string, RequestHandler> = {
    "a 500": (_req, res) => void res.sendStatus(500),
    "a 503": (_req, res) => void res.status(503).set("Retry-After", "1").end(),
    "an error that is thrown": () => {
      throw new Error("broken");
    },
    "a promise that is rejected": async () => Promise.reject(new Error("broken")),
    "a 401": (_req, res) => void res.sendStatus(401),
    "a 425": (_req, res) => void res.sendStatus(425),
    "a 429": (_req, res) => void res.status(429).end(),
    "a 409 that says when to come again": (_req, res) => void res.status(409).set("Retry-After", "1").end(),
    "a 423 that says when to come again": (_req, res) => void res.status(423).set("Retry-After", "1").end(),
  };
  for (const [what, handler] of Object.entries(released)) {
    it(`frees the key: ${what}`, async () => {
      let sound = false;
      const { post, runs } = idempotentApp((req, res, next) =>
        sound ? res.send("done") : handler(req, res, next),
      );
      const events = await collectEvents(channels.idempotency, async () => {
        for (let sent = 1; sent <= 2; sent++) {
          expect((await post('"a"')).status).to.be.at.least(400);
          expect(runs()).to.equal(sent);
        }
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["released", "released"]);
      sound = true;
      await post('"a"');
      expect([(await post('"a"')).text, runs()]).to.deep.equal(["done", 3]);
    });
  }

  it("is kept or not as the handler says, whatever its status", async () => {
    const { post, runs } = idempotentApp((req, res) => {
      expect(req.idempotency?.key).to.equal(req.body.keep ? "kept" : "free");
      req.idempotency?.keepAnswer(!req.body.keep);
      req.idempotency?.keepAnswer(req.body.keep);
      res.sendStatus(req.body.keep ? 500 : 201);
    });
    for (let sent = 0; sent < 3; sent++)
      expect((await post('"kept"', { body: { keep: true } })).status).to.equal(500);
    expect(runs()).to.equal(1);
    for (let sent = 0; sent < 3; sent++) await post('"free"', { body: { keep: false } });
    expect(runs()).to.equal(4);
  });

  it("is replayed without cookies, quotas and what is the connection's, and with what the layers outside say now", async () => {
    let asked = 0;
    const { post } = idempotentApp(
      (_req, res) => {
        res
          .cookie("token", "secret")
          .set({ "RateLimit-Remaining": "3", "X-RateLimit-Reset": "1", "X-Own": "kept" });
        res.set({ Connection: "close, X-Hop", "X-Hop": "1", "X-Request-Id": "first" }).send("done");
      },
      {
        before: [
          (_req, res, next) => {
            res.set({ "X-Outside": String(++asked) });
            next();
          },
        ],
      },
    );
    await post('"a"');
    const { headers, text } = await post('"a"');
    expect(text).to.equal("done");
    expect(headers).to.include({ "x-own": "kept", "x-outside": "2" });
    expect(headers).not.to.have.any.keys(
      "set-cookie",
      "ratelimit-remaining",
      "x-ratelimit-reset",
      "x-hop",
      "x-request-id",
    );
  });

  for (const [what, send] of Object.entries({
    "in one piece": (res) => void res.send("x".repeat(2000)),
    "in parts": (res) => {
      for (let part = 0; part < 20; part++) res.write("x".repeat(100));
      res.end();
    },
    "by its head": (res) => void res.set("X-Long", "x".repeat(1500)).end(),
  } satisfies Record<string, (res: Parameters<RequestHandler>[1]) => void>)) {
    it(`is not kept where it is too long ${what}, but that the work is done`, async () => {
      const store = new MemoryIdempotencyStore({ maxRecordBytes: 1000 });
      const { post, runs } = idempotentApp((_req, res) => send(res), { store });
      const events = await collectEvents(channels.idempotency, async () => {
        expect((await post('"a"')).status).to.equal(200);
        for (let sent = 0; sent < 2; sent++) {
          const retry = await post('"a"');
          expect([retry.status, retry.type]).to.deep.equal([409, "application/problem+json"]);
          expect(retry.get("Retry-After")).to.equal(undefined);
          expect(retry.body.detail).to.contain("its answer is not kept");
        }
        expect((await post('"a"', { body: {} })).status).to.equal(422);
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal([
        "oversized",
        "unavailable",
        "unavailable",
        "mismatch",
      ]);
      expect(runs()).to.equal(1);
    });
  }
});
