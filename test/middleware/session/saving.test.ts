import { once } from "node:events";
import { createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import type { RequestHandler } from "express";
import { channels, type SessionSaveEvent } from "express-redis-suite/telemetry";
import {
  SessionEndedError,
  SessionLimitError,
  StoreUnavailableError,
} from "express-redis-suite/stores/errors";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { createGate, type Gate } from "../../support/gate.ts";
import { receive } from "../response/served.ts";
import { ANSWERS } from "./answers.ts";
import { cookieOf, count, CountingStore, sessionApp, storedIn } from "./session-app.ts";

const outage = new StoreUnavailableError("the test's store is away");

/** Waits in the save until its test says so. */
function gatedStore(): { store: CountingStore; gate: Gate } {
  const gate = createGate();
  const store = new CountingStore();
  const set = store.set.bind(store);
  store.set = (sid, data, callback) => void gate.pass().then(() => set(sid, data, callback));
  return { store, gate };
}

describe("a session that has changed", () => {
  for (const [what, answerWith] of Object.entries(ANSWERS)) {
    const handler: RequestHandler = (req, res, next) => {
      req.session.views = 1;
      return answerWith(req, res, next);
    };

    it(`is saved before anything of the answer goes out: ${what}`, async () => {
      for (const method of ["GET", "HEAD"]) {
        const { store, gate } = gatedStore();
        let sent = 0;
        const app = sessionApp(
          handler,
          { store },
          {
            before: [
              (req, _res, next) => {
                const look = (): void => {
                  sent = req.socket.bytesWritten;
                  gate.open();
                };
                void gate.reached.then(() => setTimeout(look, 10));
                next();
              },
            ],
          },
        );
        const answer = await receive(app, { method });
        expect([sent, answer.isWhole, Object.keys(storedIn(store)).length], method).to.deep.equal([
          0,
          true,
          1,
        ]);
        expect(answer.headers["set-cookie"], method).to.have.length(1);
        expect(answer.status, method).to.be.below(400);
      }
    });

    it(`is a 503, and nothing of the answer goes out, where the store fails: ${what}`, async () => {
      for (const method of ["GET", "HEAD"]) {
        const store = new CountingStore();
        store.failing.set = outage;
        const answer = await receive(sessionApp(handler, { store }), { method });
        expect([answer.status, answer.isWhole, answer.headers["retry-after"]], method).to.deep.equal([
          503,
          true,
          "1",
        ]);
        expect(answer.headers, method).not.to.have.any.keys(
          "set-cookie",
          "location",
          "x-own",
          "last-modified",
        );
        if (method === "GET") expect(JSON.parse(answer.text)).to.include({ status: 503 });
      }
    });
  }

  it("is cut off where its head is out and the store fails", async () => {
    const store = new CountingStore();
    store.failing.set = outage;
    const app = sessionApp(
      (req, res) => {
        res.write("half, ", () => {
          req.session.views = 1;
          res.end("whole");
        });
      },
      { store },
    );
    const answer = await receive(app);
    expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, "half, ", false]);
  });

  it("goes to the error handler where it has ended, or is one too many", async () => {
    for (const [error, status] of [
      [new SessionEndedError("over"), 401],
      [new SessionLimitError("too many"), 403],
    ] as const) {
      const store = new CountingStore();
      store.failing.set = error;
      const answer = await request(sessionApp(count, { store })).get("/");
      expect([answer.status, answer.text]).to.deep.equal([status, `${error.name}: ${error.message}`]);
      expect([cookieOf(answer), store.asked]).to.deep.equal(["", ["set"]]);
    }
  });

  it("goes to the error handler where its values cannot be stored", async () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    for (const value of [1n, circle]) {
      const store = new CountingStore();
      const app = sessionApp((req, res) => void res.json(Object.assign(req.session, { value }).id), {
        store,
      });
      const answer = await request(app).get("/");
      expect([answer.status, answer.text.split(":")[0], store.asked]).to.deep.equal([500, "TypeError", []]);
    }
  });

  it("is not saved once more for the answer of a handler that was told that it cannot be", async () => {
    const store = new CountingStore();
    store.failing.set = new SessionEndedError("over");
    const app = sessionApp(
      (req, res, next) => {
        req.session.views = 1;
        req.session.save((error?: unknown) =>
          error && req.path === "/told" ? next(error) : res.send("saved"),
        );
      },
      { store },
    );
    expect((await request(app).get("/told")).text).to.equal("SessionEndedError: over");
    expect(store.asked).to.deep.equal(["set"]);
    // And never an answer that all is well.
    expect((await request(app).get("/")).status).to.equal(401);
  });

  it("is published once for each save", async () => {
    const store = new CountingStore();
    const app = sessionApp(count, { store });
    let events: SessionSaveEvent[] = [];
    const save = async (error?: Error): Promise<void> => {
      if (error) store.failing.set = error;
      events = events.concat(await collectEvents(channels.sessionSave, () => request(app).get("/")));
    };
    await save();
    await save(outage);
    await save(new SessionEndedError("over"));
    await save(new SessionLimitError("too many"));
    for (const event of events) expect(event.durationMs).to.be.a("number");
    expect(events.map(({ outcome, code }) => [outcome, code])).to.deep.equal([
      ["saved", undefined],
      ["save-failed", "STORE_UNAVAILABLE"],
      ["ended", undefined],
      ["save-failed", "UNKNOWN"],
    ]);
  });

  it("is answered as saved where the handler fails after its answer", async () => {
    const { store, gate } = gatedStore();
    const app = sessionApp(
      (req, res) => {
        req.session.views = 1;
        res.json({ ok: true });
        void gate.reached.then(() => setTimeout(() => gate.open(), 20));
        throw new Error("too late");
      },
      { store },
    );
    const answer = await receive(app);
    expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, '{"ok":true}', true]);
    expect(Object.keys(storedIn(store))).to.have.length(1);
  });

  it("is never answered as saved where it was not, and the handler fails after its answer", async () => {
    const store = new CountingStore();
    store.failing.set = outage;
    const app = sessionApp(
      (req, res) => {
        req.session.views = 1;
        res.json({ ok: true });
        throw new Error("too late");
      },
      { store },
    );
    expect((await receive(app)).status).to.not.equal(200);
  });

  it("is saved for a client that leaves meanwhile", async () => {
    const { store, gate } = gatedStore();
    const server = createServer(sessionApp(count, { store })).listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const asked = send({ host: "127.0.0.1", port }).on("error", () => {});
      asked.end();
      await gate.reached;
      asked.destroy();
      gate.open();
      await eventually(() => expect(Object.keys(storedIn(store))).to.have.length(1));
      await eventually(async () => expect(await connectionsOf(server)).to.equal(0));
    } finally {
      server.close();
    }
  });

  it("is not saved, and its answer not delayed, where it has not changed after all", async () => {
    const store = new CountingStore();
    const app = sessionApp(
      (req, res, next) => {
        if (req.path === "/count") return void count(req, res, next);
        const { views } = req.session;
        req.session.views = 99;
        req.session.views = views ?? 0;
        res.send("the same");
      },
      { store },
    );
    const cookie = cookieOf(await request(app).get("/count"));
    store.asked.length = 0;
    // A touch that never calls back keeps nobody waiting.
    store.failing.touch = () => {};
    store.touch = () => void store.asked.push("touch");
    expect((await request(app).get("/").set("Cookie", cookie)).text).to.equal("the same");
    expect(store.asked).to.deep.equal(["get", "touch"]);
  });
});

function connectionsOf(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, open) => (error ? reject(error) : resolve(open))),
  );
}
