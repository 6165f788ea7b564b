import { connect, type AddressInfo } from "node:net";
import { expect } from "chai";
import express, { type Request } from "express";
import { responseCache } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { cached, countUp, hit, send } from "./cached-app.ts";

/** Sends a request as it stands, which no client would, and waits for the end of its connection. */
function sendRaw(app: express.Express, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const server = app.listen(0, "127.0.0.1", () => {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      let text = "";
      socket.setEncoding("utf8").on("data", (part: string) => (text += part));
      socket.on("error", reject).on("close", () => {
        server.close();
        resolve(text);
      });
      socket.write(`${head}\r\nConnection: close\r\n\r\n`);
    });
  });
}

describe("responseCache, its key", () => {
  it("may be a promise, and tells responses apart", async () => {
    const { app, runs } = cached(countUp, { key: async (req) => req.path });
    await send(app, "/item/1");
    expect((await send(app, "/item/2")).body.path).to.equal("/item/2");
    expect((await hit(app, "/item/1")).body.path).to.equal("/item/1");
    expect(runs()).to.equal(2);
  });

  for (const [what, key] of Object.entries<() => unknown>({
    undefined: () => undefined,
    "a number": () => 1,
    "a promise of nothing": async () => undefined,
  })) {
    it(`that is ${what} is a TypeError to Express`, async () => {
      const { app, runs } = cached(countUp, { key: key as (req: Request) => string });
      const answer = await send(app);
      expect([answer.status, runs()]).to.deep.equal([500, 0]);
      expect(answer.text).to.contain("TypeError: responseCache: key must return a string");
    });
  }

  it("is of the host and protocol that a trusted proxy forwards", async () => {
    const store = new MemoryCacheStore();
    let runs = 0;
    const app = express().set("trust proxy", "loopback");
    app.get("/", responseCache({ store, ttlMs: 60_000 }), (req, res) => {
      runs += 1;
      res.send(`${req.protocol}://${req.host}`);
    });
    const ask = (host: string, protocol = "https"): request.Test =>
      request(app).get("/").set({ Host: "inner", "X-Forwarded-Host": host, "X-Forwarded-Proto": protocol });
    for (const [host, protocol] of [
      ["a.example"],
      ["b.example"],
      ["b.example:8443"],
      ["a.example", "http"],
    ]) {
      expect((await ask(host ?? "", protocol)).text).to.equal(`${protocol ?? "https"}://${host}`);
    }
    expect(runs).to.equal(4);
    await eventually(async () => expect((await ask("a.example")).get("Cache-Status")).to.contain("hit"));
    expect((await ask("a.example")).text).to.equal("https://a.example");
  });

  it("is not of what an untrusted client says that it forwards", async () => {
    const { app, runs } = cached(countUp);
    await send(app);
    await hit(app, "/", { "x-forwarded-host": "elsewhere.example", "x-forwarded-proto": "ftp" });
    expect(runs()).to.equal(1);
  });

  it("tells a host with a path in it from another URL", async () => {
    const { app, runs } = cached((req, res) => void res.send(`${req.host} ${req.originalUrl}`));
    const poisoned = await sendRaw(app, "GET /leaderboard?n=2 HTTP/1.1\r\nHost: h/leaderboard?x=");
    expect(poisoned).to.contain("200 OK");
    const victim = await sendRaw(app, "GET /leaderboard?x=/leaderboard?n=2 HTTP/1.1\r\nHost: h");
    expect(victim).to.contain("fwd=uri-miss").and.contain("h /leaderboard?x=/leaderboard?n=2");
    expect(runs()).to.equal(2);
  });
});
