import { once } from "node:events";
import { expect } from "chai";
import { sendProblem } from "../../../middleware/response/problem.ts";
import { eventually } from "../../support/eventually.ts";
import { appOf, receive } from "./served.ts";

const problem = { status: 409, title: "Conflict", detail: "höllo" };
const body = '{"type":"about:blank","title":"Conflict","status":409,"detail":"höllo"}';

/** What tells of the response that a problem takes the place of. */
const REPLACED = {
  "Content-Encoding": "gzip",
  "Content-Language": "de",
  "Content-Range": "bytes 0-3/9",
  "Transfer-Encoding": "chunked",
  Trailer: "X-Sum",
  ETag: '"one"',
  "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT",
};

describe("sendProblem", () => {
  it("keeps nothing that tells of the response whose place it takes", async () => {
    const answer = await receive(
      appOf((_req, res) => {
        for (const [name, value] of Object.entries(REPLACED)) res.setHeader(name, value);
        sendProblem(res, problem);
      }),
    );
    expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([409, body, true]);
    expect(answer.headers).not.to.have.any.keys(Object.keys(REPLACED).map((name) => name.toLowerCase()));
    expect(answer.headers).to.include({ "content-type": "application/problem+json" });
    expect(answer.headers["content-length"]).to.equal(String(Buffer.byteLength(body)));
  });

  for (const method of ["GET", "HEAD"]) {
    it(`says its own length where another one was said before, to ${method}`, async () => {
      const answer = await receive(
        appOf((_req, res) => {
          res.setHeader("Content-Length", 4);
          sendProblem(res, problem);
        }),
        { method },
      );
      expect([answer.status, answer.isWhole]).to.deep.equal([409, true]);
      expect(answer.text).to.equal(method === "HEAD" ? "" : body);
      expect(answer.headers["content-length"]).to.equal(String(Buffer.byteLength(body)));
    });
  }

  it("keeps the headers that belong to the request", async () => {
    const answer = await receive(
      appOf((_req, res) => {
        res.set({ "X-Request-Id": "7", Vary: "Origin", "Content-Security-Policy": "default-src 'none'" });
        sendProblem(res, problem);
      }),
    );
    expect(answer.headers).to.include({
      "x-request-id": "7",
      vary: "Origin",
      "content-security-policy": "default-src 'none'",
    });
  });

  it("ends the response of a client that has gone, whatever was to be in it", async () => {
    let ended = false;
    await receive(
      appOf(async (req, res) => {
        res.setHeader("Trailer", "Server-Timing");
        req.socket.destroy();
        await once(res, "close");
        sendProblem(res, problem);
        await eventually(() => expect(res.writableEnded).to.equal(true));
        ended = true;
      }),
      { method: "HEAD" },
    );
    await eventually(() => expect(ended).to.equal(true));
  });
});
