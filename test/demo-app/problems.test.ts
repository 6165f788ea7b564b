import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { expect } from "chai";
import express from "express";
import { pino } from "pino";
import request from "supertest";
import { notFound, ProblemError, problemHandler } from "../../demo-app/problem.ts";
import { useDemoApp } from "./use-demo-app.ts";

describe("refusals of the demo", () => {
  const demo = useDemoApp();

  interface Refusal {
    readonly what: string;
    readonly method?: "get" | "post" | "delete";
    readonly path: string;
    readonly type?: string;
    readonly body?: string;
    readonly status: number;
  }
  const refusals: readonly Refusal[] = [
    { what: "an unknown path", path: "/nothing", status: 404 },
    { what: "an unknown path below a known one", path: "/leaderboard/top", status: 404 },
    { what: "source code", path: "/main.ts", status: 404 },
    { what: "a way out of the page's folder", path: "/..%2f..%2fpackage.json", status: 404 },
    { what: "a path that is not percent-encoded right", path: "/rank/%E0%A4%A", status: 400 },
    { what: "a method that a path has not", method: "delete", path: "/login", status: 405 },
    { what: "a method that the page has not", method: "post", path: "/", status: 405 },
    { what: "a method that the metrics have not", method: "post", path: "/metrics", status: 405 },
    { what: "a method that a probe has not", method: "delete", path: "/readyz", status: 405 },
    { what: "a method that a public path has not", method: "post", path: "/leaderboard", status: 405 },
    { what: "malformed JSON", method: "post", path: "/login", body: '{"username": "alice"', status: 400 },
    { what: "JSON that is no object or list", method: "post", path: "/score", body: '"alice"', status: 400 },
    {
      what: "an oversized body",
      method: "post",
      path: "/login",
      body: `{"a":"${"x".repeat(17_000)}"}`,
      status: 413,
    },
    {
      what: "a form",
      method: "post",
      path: "/login",
      type: "application/x-www-form-urlencoded",
      body: "a=b",
      status: 415,
    },
    { what: "a text", method: "post", path: "/score", type: "text/plain", body: "{}", status: 415 },
    {
      what: "another charset",
      method: "post",
      path: "/score",
      type: "application/json; charset=koi8-r",
      body: "{}",
      status: 415,
    },
  ];
  for (const { what, method = "get", path, type = "application/json", body, status } of refusals) {
    it(`answers ${what} with ${status}, as a problem`, async () => {
      const pending = demo().browser()[method](path);
      const answer = await (body === undefined ? pending : pending.set("Content-Type", type).send(body));
      expect(answer.status).to.equal(status);
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
      expect(answer.body).to.include({ type: "about:blank", status }).and.to.have.property("title");
      expect(answer.text).to.not.match(/node_modules|\.ts:|\n {4}at /);
      expect(answer.text).to.not.include("alice");
    });
  }

  it("says which methods there are", async () => {
    const { headers } = await demo().browser().delete("/score").expect(405);
    expect(headers["allow"]).to.equal("POST");
    for (const path of ["/", "/livez", "/leaderboard"]) {
      const { headers: told } = await demo().browser().delete(path).expect(405);
      expect(told["allow"]).to.equal("GET, HEAD");
    }
  });

  it("takes dots for a player's name, not for a way to another page", async () => {
    // Every tidier client would resolve them before it sends the path.
    const { hostname: host, port } = new URL(demo().url);
    for (const path of ["/rank/..", "/rank/%2e%2e"]) {
      const [answer] = (await once(get({ host, port, path }), "response")) as [IncomingMessage];
      answer.resume();
      expect(answer.statusCode).to.equal(404);
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
    }
  });

  it("takes a POST without a body for what it is", async () => {
    await demo().browser().post("/logout").set("Content-Length", "0").expect(204);
    await demo().browser().post("/login").expect(422);
  });
});

describe("the error handler", () => {
  const lines: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  beforeEach(() => lines.splice(0));

  function appThatThrows(error: unknown): express.Express {
    const app = express();
    app.get("/fails/:secret", () => {
      throw error;
    });
    app.get("/breaks", (_req, res) => {
      res.write("half of it");
      throw error;
    });
    app.use(notFound, problemHandler(logger));
    return app;
  }

  it("tells the client nothing of an unexpected error, and the log nothing of the request", async () => {
    const error = Object.assign(new Error("the password is opensesame"), {
      command: { args: ["a session"] },
    });
    const { body, text } = await request(appThatThrows(error))
      .get("/fails/my-id")
      .set("Cookie", "sid=my-cookie")
      .expect(500);
    expect(body).to.deep.equal({ type: "about:blank", title: "Internal Server Error", status: 500 });
    expect(text).to.not.include("opensesame");
    const log = lines.join("");
    expect(log).to.include("the password is opensesame").and.to.include('"method":"GET"');
    for (const secret of ["my-id", "my-cookie", "a session"]) expect(log).to.not.include(secret);
  });

  it("answers what is thrown and is no error with 500", async () => {
    for (const thrown of ["a text", { status: 200 }, { status: "404" }, { status: 99_999 }]) {
      await request(appThatThrows(thrown)).get("/fails/x").expect(500);
    }
  });

  it("answers an error that carries a status with it, and logs only what is the server's fault", async () => {
    await request(appThatThrows(Object.assign(new Error("no"), { status: 418 })))
      .get("/fails/x")
      .expect(418);
    expect(lines).to.deep.equal([]);
  });

  it("sends the headers and the detail of a problem", async () => {
    const { headers, body } = await request(
      appThatThrows(new ProblemError(409, "Taken.", { "Retry-After": "7" })),
    )
      .get("/fails/x")
      .expect(409);
    expect(headers["retry-after"]).to.equal("7");
    expect(body.detail).to.equal("Taken.");
  });

  it("cuts an answer off that is under way, so that it does not look whole", async () => {
    const attempt = request(appThatThrows(new Error("no"))).get("/breaks");
    expect(await attempt.catch((error: Error) => error)).to.be.instanceOf(Error);
  });
});
