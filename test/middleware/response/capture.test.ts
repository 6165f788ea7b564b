import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect } from "chai";
import type { RequestHandler } from "express";
import { captureResponse, type Captured } from "../../../middleware/response/capture.ts";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { ANSWERS, BREAKS } from "./handlers.ts";
import { appOf, receive, type Received } from "./served.ts";
import { capturing } from "./wrappers.ts";

interface Outcome {
  readonly received: Received;
  readonly captured: readonly Captured[];
}

/** What a client received of a handler, and what was captured of it. */
async function captureOf(
  handler: RequestHandler,
  { before = [], method = "GET", maxBodyBytes = 1000 }: CaptureCase = {},
): Promise<Outcome> {
  const captured: Captured[] = [];
  let closed = false;
  const watching: RequestHandler = (_req, res, next) => {
    res.once("close", () => (closed = true));
    next();
  };
  const capture = capturing((whole) => captured.push(whole), maxBodyBytes);
  const received = await receive(appOf(watching, ...before, capture, handler), { method });
  await eventually(() => expect(closed).to.equal(true));
  return { received, captured };
}

interface CaptureCase {
  readonly before?: readonly RequestHandler[];
  readonly method?: string;
  readonly maxBodyBytes?: number;
}

const headersIn = ({ headers }: Captured): Record<string, unknown> => Object.fromEntries(headers);

describe("captureResponse", () => {
  for (const [what, handler] of Object.entries(ANSWERS)) {
    it(`captures once what its client received: ${what}`, async () => {
      const { received, captured } = await captureOf(handler, { maxBodyBytes: 100_000 });
      expect(captured).to.have.length(1);
      expect(captured[0]?.status).to.equal(received.status);
      expect(String(captured[0]?.body)).to.equal(received.text);
      for (const [name, value] of captured[0]?.sentHeaders ?? []) {
        expect(received.headers[name]).to.deep.equal(value);
      }
    });
  }

  for (const [what, handler] of Object.entries(BREAKS)) {
    it(`captures nothing of what was cut off: ${what}`, async () => {
      const { received, captured } = await captureOf(handler);
      expect([received.isWhole, captured.length]).to.deep.equal([false, 0]);
    });
  }

  for (const [what, head] of Object.entries({
    "in chunks to its end": {},
    "with its length said": { "Content-Length": "10" },
  })) {
    it(`captures nothing where the client leaves before the end, though all that was left is sent: ${what}`, async () => {
      const captured: Captured[] = [];
      const ended = createGate();
      const app = appOf((_req, res) => {
        captureResponse(res, { maxBodyBytes: 100, onComplete: (whole) => captured.push(whole) });
        res.once("close", () => {
          res.end();
          setImmediate(ended.open);
        });
        res.writeHead(200, head).write("helloworld");
      });
      const server = createServer(app).listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
        socket.write("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
        await once(socket, "data");
        socket.destroy();
        await ended.pass();
        await new Promise((resolve) => setImmediate(resolve));
        expect(captured).to.deep.equal([]);
      } finally {
        server.close();
      }
    });
  }

  it("captures no body of a response to HEAD", async () => {
    const { captured } = await captureOf((_req, res) => void res.send("text"), { method: "HEAD" });
    expect(captured.map(({ body }) => body.length)).to.deep.equal([0]);
  });

  it("captures nothing of a body that is longer than it may be, and sends it whole", async () => {
    const handler: RequestHandler = (_req, res) => {
      res.write("x".repeat(60));
      res.end("x".repeat(60));
    };
    const { received, captured } = await captureOf(handler, { maxBodyBytes: 100 });
    expect([received.text.length, captured.length]).to.deep.equal([120, 0]);
    expect((await captureOf(handler, { maxBodyBytes: 120 })).captured).to.have.length(1);
  });

  it("captures nothing of a body that is not as long as its head says", async () => {
    const { captured } = await captureOf((_req, res) => void res.set("Content-Length", "3").end("longer"));
    expect(captured).to.deep.equal([]);
  });

  it("captures bytes as they were sent, whatever their owner does with them afterwards", async () => {
    const { captured } = await captureOf((_req, res) => {
      const bytes = Buffer.from("sent");
      res.write(bytes, () => {
        bytes.fill("x");
        res.end();
      });
    });
    expect(String(captured[0]?.body)).to.equal("sent");
  });

  it("tells the headers of the layers inside from those that stood before", async () => {
    const before: RequestHandler = (_req, res, next) => {
      res.set({ "X-Request-Id": "1", "X-Changed": "outside" });
      res.append("Set-Cookie", "a=1").append("Set-Cookie", "b=2").append("X-List", ["1", "2"]);
      next();
    };
    const { captured } = await captureOf(
      (_req, res) => {
        res.set("X-Changed", "inside").append("Set-Cookie", "c=3").end();
      },
      { before: [before] },
    );
    const [whole] = captured as [Captured];
    expect(headersIn(whole)).to.include({ "x-changed": "inside" });
    expect(headersIn(whole)["set-cookie"]).to.deep.equal(["a=1", "b=2", "c=3"]);
    expect(headersIn(whole)).not.to.have.any.keys("x-request-id", "x-list", "x-powered-by");
    expect(Object.fromEntries(whole.sentHeaders)).to.include({ "x-request-id": "1" });
  });

  it("tells them from those that a layer outside sets as the head goes out", async () => {
    const late: RequestHandler = (_req, res, next) => {
      const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => typeof res;
      res.writeHead = ((...args: unknown[]) => {
        res.setHeader("X-Response-Time", "1ms");
        res.setHeader("Vary", "Accept");
        return writeHead(...args);
      }) as typeof res.writeHead;
      next();
    };
    const { captured } = await captureOf((_req, res) => void res.writeHead(200, { "X-Made": "here" }).end(), {
      before: [late],
    });
    const [whole] = captured as [Captured];
    expect(headersIn(whole)).to.deep.equal({ "x-made": "here" });
    expect(Object.fromEntries(whole.sentHeaders)).to.include({ "x-response-time": "1ms", vary: "Accept" });
  });

  it("keeps a field that a list has twice, as Node would send it", async () => {
    const { received, captured } = await captureOf(
      (_req, res) => void res.writeHead(200, ["Link", "<a>", "Set-Cookie", "a=1", "Set-Cookie", "b=2"]).end(),
    );
    expect(received.headers["set-cookie"]).to.deep.equal(["a=1", "b=2"]);
    expect(headersIn(captured[0] as Captured)).to.include({ link: "<a>" });
  });

  it("gives the methods back when the response is over", async () => {
    const seen: boolean[] = [];
    await receive(
      appOf((_req, res) => {
        const { write, end, writeHead } = res;
        captureResponse(res, { maxBodyBytes: 10, onComplete: () => {} });
        res.once("finish", () =>
          seen.push(res.write === write, res.end === end, res.writeHead === writeHead),
        );
        res.end("x");
      }),
    );
    expect(seen).to.deep.equal([true, true, true]);
  });
});

describe("captureResponse, in whose place 304 is sent", () => {
  for (const [what, handler] of Object.entries(ANSWERS)) {
    if (what.includes("throw") || what.includes("error")) continue;
    it(`captures the whole response: ${what}`, async () => {
      const whole = await captureOf(handler, { maxBodyBytes: 100_000 });
      const captured: Captured[] = [];
      const replace: RequestHandler = (_req, res, next) => {
        captureResponse(res, {
          maxBodyBytes: 100_000,
          judge: () => "not-modified",
          onComplete: (complete) => captured.push(complete),
        });
        next();
      };
      const received = await receive(appOf(replace, handler));
      expect([received.status, received.text, received.isWhole]).to.deep.equal([304, "", true]);
      expect(received.headers).not.to.have.any.keys("content-length", "content-type", "transfer-encoding");
      await eventually(() => expect(captured).to.have.length(1));
      expect(captured[0]?.status).to.equal(whole.captured[0]?.status);
      expect(String(captured[0]?.body)).to.equal(String(whole.captured[0]?.body));
      expect(headersIn(captured[0] as Captured)).to.deep.equal(headersIn(whole.captured[0] as Captured));
    });
  }

  it("sends an error of the handler as it is", async () => {
    const received = await receive(
      appOf(
        (_req, res, next) => {
          captureResponse(res, {
            maxBodyBytes: 10,
            judge: () => (res.statusCode === 200 ? "not-modified" : "send"),
            onComplete: () => {},
          });
          next();
        },
        (_req, res) => void res.end({} as string),
      ),
    );
    expect(received.status).to.equal(500);
    expect(received.text).to.contain("TypeError");
  });
});
