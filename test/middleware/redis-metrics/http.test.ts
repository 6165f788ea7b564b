import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { expect } from "chai";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { appWith, closeAllMetrics, labelValues, scrape, testMetrics, valueOf } from "./metrics-app.ts";

const ok: RequestHandler = (_req, res) => void res.json({});
const answerError: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(500).end();

function requests(text: string, route: string, status = "200", method = "GET"): number | undefined {
  const labels = `{method="${method}",route="${route}",status="${status}"}`;
  return valueOf(text, `http_request_duration_seconds_count${labels}`);
}

describe("the metrics of HTTP", () => {
  afterEach(closeAllMetrics);

  it("count a request under its route's template, method and status", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => routes.get("/score/:id", ok).post("/score/:id", ok));
    await request(app).get("/score/1").expect(200);
    await request(app).get("/score/2?verbose=1").expect(200);
    await request(app).post("/score/2").expect(200);
    const text = await scrape(metrics);
    expect(requests(text, "/score/:id")).to.equal(2);
    expect(requests(text, "/score/:id", "200", "POST")).to.equal(1);
    expect(valueOf(text, "http_requests_in_flight")).to.equal(0);
  });

  it("keep the mount path of a router, without what its parameters were", async () => {
    const players = express.Router({ mergeParams: true }).get("/:id", ok).get("/", ok);
    const teams = express.Router().use("/players", players).use("/:id/twins", players);
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => routes.use("/teams/:id", teams));
    await request(app).get("/teams/arsenal/players/7").expect(200);
    await request(app).get("/TEAMS/a%20b/Players/8").expect(200);
    await request(app).get("/teams/teams/players").expect(200);
    await request(app).get("/teams/arsenal/arsenal/twins/9").expect(200);
    const text = await scrape(metrics);
    expect(requests(text, "/teams/:id/players/:id")).to.equal(2);
    expect(requests(text, "/teams/:id/players")).to.equal(1);
    expect(requests(text, "/teams/:id/:id/twins/:id")).to.equal(1);
  });

  it("keep the mount path in the label when an error handler further out answers", async () => {
    const broken = express.Router().get("/boom", () => {
      throw new Error("the test's");
    });
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => routes.use("/api", broken).use(answerError));
    await request(app).get("/api/boom").expect(500);
    expect(requests(await scrape(metrics), "/api/boom", "500")).to.equal(1);
  });

  it("show routes given as a regular expression, as an array and as a wildcard, and mounted apps", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => {
      routes.get(/^\/archive\/\d{4}$/, ok).get(["/a", "/b"], ok);
      routes.use("/files/*path", express.Router().get("/", ok));
      routes.use("/v:major", express.Router().get("/x", ok));
      routes.use("/sub/:tenant", express().get("/things/:id", ok));
    });
    for (const path of [
      "/archive/2015",
      "/archive/2016",
      "/a",
      "/b",
      "/files/x/y/z",
      "/v2/x",
      "/sub/t1/things/1",
    ]) {
      await request(app).get(path).expect(200);
    }
    const text = await scrape(metrics);
    expect(labelValues(text, "http_request_duration_seconds_count", "route")).to.have.members([
      String.raw`/^\\/archive\\/\\d{4}$/`,
      "(/a|/b)",
      "/files/:path",
      "/:major/x",
      "/sub/:tenant/things/:id",
    ]);
    expect(requests(text, "(/a|/b)")).to.equal(2);
  });

  it("hide a mount path whose parameter was replaced on the way", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => {
      routes.param("user", (req, _res, next, _value: string) => {
        Object.assign(req.params, { user: { name: "loaded" } });
        next();
      });
      routes.use("/u/:user", express.Router().get("/posts", ok));
    });
    await request(app).get("/u/secret-name/posts").expect(200);
    expect(requests(await scrape(metrics), "/:user/posts")).to.equal(1);
  });

  it("leave req.baseUrl and req.route as Express sets them", async () => {
    const seen: unknown[] = [];
    const router = express.Router().get("/x/:id", (req, res) => {
      seen.push(req.baseUrl, (req.route as { path: string }).path);
      res.end();
    });
    const app = appWith(testMetrics(), (routes) => {
      routes.use("/api/:v", router);
    });
    await request(app).get("/api/1/x/2").expect(200);
    expect(seen).to.deep.equal(["/api/1", "/x/:id"]);
  });

  it("count what no route answered as unmatched, and made-up methods as other", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics);
    await request(app).get("/wp-admin.php").expect(404);
    await request(app).propfind("/anything").expect(404);
    const text = await scrape(metrics);
    expect(requests(text, "unmatched", "404")).to.equal(1);
    expect(requests(text, "unmatched", "404", "other")).to.equal(1);
  });

  it("stay bounded under 2,000 random URLs", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => {
      routes.get("/score/:id", ok).use("/teams/:team", express.Router().get("/players/:id", ok));
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const shapes = ["/score/#", "/#", "/#/#", "/teams/#/players/#", "/TEAMS/#/Players/#"];
      const visits = Array.from({ length: 2000 }, (_, at) =>
        (shapes[at % 5] ?? "").replaceAll("#", () => randomId()),
      );
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      while (visits.length > 0) {
        await Promise.all(visits.splice(0, 50).map(async (path) => (await fetch(base + path)).text()));
      }
    } finally {
      server.close();
    }
    const text = await scrape(metrics);
    expect(labelValues(text, "http_request_duration_seconds_count", "route")).to.deep.equal([
      "/score/:id",
      "/teams/:team/players/:id",
      "unmatched",
    ]);
    expect(requests(text, "/teams/:team/players/:id")).to.equal(800);
    expect(text.split("\n").filter((line) => line.startsWith("http_")).length).to.be.below(60);
  });

  it("put the routes above maxRoutes together under other", async () => {
    const metrics = testMetrics({ maxRoutes: 2 });
    const app = appWith(metrics, (routes) => routes.use(/^\/r\d+/, express.Router().get("/", ok)));
    for (const path of ["/r1", "/r2", "/r3", "/r4", "/r1"]) await request(app).get(path).expect(200);
    const text = await scrape(metrics);
    expect(labelValues(text, "http_request_duration_seconds_count", "route")).to.deep.equal([
      "/r1",
      "/r2",
      "other",
    ]);
    expect(requests(text, "other")).to.equal(2);
  });

  it("count a request whose client went away as aborted, and as in flight until then", async () => {
    const metrics = testMetrics();
    const server = appWith(metrics, (routes) => routes.get("/slow", () => {})).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
      client.write("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
      await eventually(async () =>
        expect(valueOf(await scrape(metrics), "http_requests_in_flight")).to.equal(1),
      );
      client.destroy();
      await eventually(async () => expect(requests(await scrape(metrics), "/slow", "aborted")).to.equal(1));
      expect(valueOf(await scrape(metrics), "http_requests_in_flight")).to.equal(0);
    } finally {
      server.close();
    }
  });

  it("leave event streams out of the durations", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => {
      routes.get("/live", (_req, res) => void res.type("text/event-stream").end("data: 1\n\n"));
    });
    await request(app).get("/live").expect(200);
    expect(labelValues(await scrape(metrics), "http_request_duration_seconds_count", "route")).to.deep.equal(
      [],
    );
  });

  it("count once where the middleware is mounted twice", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => routes.use(metrics).get("/x", ok));
    await request(app).get("/x").expect(200);
    expect(requests(await scrape(metrics), "/x")).to.equal(1);
  });
});

function randomId(): string {
  return Math.random().toString(36).slice(2);
}
