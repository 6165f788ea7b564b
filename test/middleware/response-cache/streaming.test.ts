import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { expect } from "chai";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { createGate } from "../../support/gate.ts";
import { cached } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

const store = (): { store: MemoryCacheStore } => ({ store: new MemoryCacheStore() });

describe("responseCache, of a response that is streamed", () => {
  it("sends the first piece before the handler ends, and keeps the whole", async () => {
    const gate = createGate();
    const { app } = cached(async (_req, res) => {
      res.write("first,");
      await gate.pass();
      res.end("last");
    }, store());
    await serving(app, async ({ ask, begin }) => {
      const [answer] = (await once(begin(), "response")) as [IncomingMessage];
      const [piece] = (await once(answer, "data")) as [Buffer];
      expect(piece.toString()).to.equal("first,");
      gate.open();
      answer.resume();
      await once(answer, "end");
      expect((await ask()).text).to.equal("first,last");
    });
  });

  it("passes a longer body than maxBodyBytes on, piece by piece, and keeps nothing of it", async () => {
    const { app, runs } = cached(
      (_req, res) => {
        for (let piece = 0; piece < 20; piece++) res.write("x".repeat(100));
        res.end();
      },
      { ...store(), maxBodyBytes: 1_000 },
    );
    await serving(app, async ({ ask }) => {
      for (let sent = 0; sent < 2; sent++) expect((await ask()).text).to.have.length(2_000);
    });
    expect(runs()).to.equal(2);
  });

  it("lets a stream of events by, and keeps no finite one either", async () => {
    const gate = createGate();
    const { app, runs } = cached(async (_req, res) => {
      res.type("text/event-stream").write("data: 1\n\n");
      await gate.pass();
      res.end("data: 2\n\n");
    }, store());
    await serving(app, async ({ ask, begin }) => {
      const [answer] = (await once(begin(), "response")) as [IncomingMessage];
      const [piece] = (await once(answer, "data")) as [Buffer];
      expect(piece.toString()).to.equal("data: 1\n\n");
      gate.open();
      answer.resume();
      expect(statusOf(await ask())).to.contain("detail=event-stream");
    });
    expect(runs()).to.equal(2);
  });

  it("sends the trailers of the first, and no Trailer field with what is kept", async () => {
    const { app } = cached((_req, res) => {
      res.set("Trailer", "X-Sum").write("page");
      res.addTrailers({ "X-Sum": "1" });
      res.end();
    }, store());
    await serving(app, async ({ ask }) => {
      expect((await ask()).trailers).to.deep.equal({ "x-sum": "1" });
      const kept = await ask();
      expect([kept.text, kept.trailers]).to.deep.equal(["page", {}]);
      expect(kept.headers).not.to.have.property("trailer");
    });
  });

  it("lets 103 Early Hints through, and keeps the final response", async () => {
    const { app } = cached((_req, res) => {
      res.writeEarlyHints({ link: "</a.css>; rel=preload" });
      res.send("page");
    }, store());
    await serving(app, async ({ ask, begin }) => {
      const asked = begin();
      const coming = once(asked, "response");
      const [hints] = (await once(asked, "information")) as [{ statusCode: number; headers: object }];
      expect([hints.statusCode, hints.headers]).to.deep.equal([103, { link: "</a.css>; rel=preload" }]);
      const [answer] = (await coming) as [IncomingMessage];
      expect(answer.statusCode).to.equal(200);
      answer.resume();
      await once(answer, "end");
      const kept = await ask();
      expect([kept.text, statusOf(kept).slice(0, 10)]).to.deep.equal(["page", "cache; hit"]);
      expect(kept.headers).not.to.have.property("link");
    });
  });

  it("lets 100 Continue through", async () => {
    const { app } = cached((req, res) => {
      req.resume().on("end", () => res.send("taken"));
    }, store());
    await serving(app, async ({ port }) => {
      const socket = connect(port, "127.0.0.1").setEncoding("utf8");
      let text = "";
      socket.on("data", (part: string) => (text += part));
      socket.write(
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
      );
      await once(socket, "data");
      expect(text).to.match(/^HTTP\/1\.1 100 Continue/);
      socket.write("x");
      await once(socket, "close");
      expect(text).to.contain("200 OK").and.contain("taken");
    });
  });

  it("sends every line of a field that has several", async () => {
    const { app } = cached((_req, res) => {
      res.appendHeader("Link", "<a>; rel=next").appendHeader("Link", "<b>; rel=prev").end("page");
    }, store());
    await serving(app, async ({ ask }) => {
      const first = await ask();
      expect((await ask()).headers["link"]).to.equal(first.headers["link"]);
    });
  });
});
