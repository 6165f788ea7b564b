import fs from "node:fs";
import { expect } from "chai";
import { countCommands } from "../support/command-counts.ts";
import { redis } from "../support/shared-redis.ts";
import { SMALL_SEASON, useDemoApp } from "./use-demo-app.ts";

describe("the layers of the demo", () => {
  const demo = useDemoApp({
    clientLimits: [{ name: "client", algorithm: "fixed-window", limit: 5, windowMs: 60_000 }],
  });

  it("limits a client on every path but those of scrapes and probes", async () => {
    const browser = demo().browser();
    for (const path of ["/boards", "/leaderboard", "/profile", "/", "/nothing"]) {
      expect((await browser.get(path)).headers, path).to.have.property("ratelimit");
    }
    for (const path of ["/boards", "/leaderboard", "/profile", "/", "/nothing"])
      await browser.get(path).expect(429);
    for (const path of ["/livez", "/readyz", "/metrics"]) {
      const { headers } = await browser.get(path).expect(200);
      expect(headers, path).to.not.have.property("ratelimit");
    }
  });

  it("sends a strict content security policy with every answer, also with errors", async () => {
    for (const path of ["/", "/boards", "/nothing", "/livez", "/metrics"]) {
      const { headers } = await demo().browser().get(path);
      const policy = headers["content-security-policy"] as string;
      expect(policy, path).to.include("default-src 'none'").and.to.include("frame-ancestors 'none'");
      expect(policy, path).to.include("object-src 'none'").and.to.include("base-uri 'none'");
      expect(headers, path).to.include({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      });
      expect(policy, path).to.not.include("unsafe").and.not.include("data:");
      expect(headers, path).to.not.have.property("x-powered-by");
    }
  });

  it("serves the page", async () => {
    const { text } = await demo().browser().get("/").expect(200).expect("Content-Type", /html/);
    expect(text).to.include("<!doctype html>");
  });

  it("is ready until it drains, and lives on while it does", async () => {
    await demo().browser().get("/readyz").expect(200);
    demo().demo.drain();
    await demo().browser().get("/readyz").expect(503);
    await demo().browser().get("/livez").expect(200);
  });

  it("counts what the layers did", async () => {
    const path = `/leaderboard?board=${encodeURIComponent(SMALL_SEASON.name)}`;
    await demo().browser().get(path);
    const { text } = await demo().browser().get("/metrics").expect(200);
    expect(text).to.match(/http_requests?[a-z_]*\{[^}]*route="\/leaderboard"/);
    expect(text).to.not.include("Little League");
  });

  it("asks Redis twice for a cached table: once for the limit, once for the answer", async () => {
    const path = `/leaderboard?board=${encodeURIComponent(SMALL_SEASON.name)}`;
    const browser = demo().browser();
    await browser.get(path);
    const counts = await countCommands(redis(), () => browser.get(path));
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(total, JSON.stringify([...counts])).to.equal(2);
  });

  it("takes a probe with a slash at its end, or in capitals, for the same probe", async () => {
    for (const path of ["/readyz/", "/livez/", "/READYZ"]) await demo().browser().get(path).expect(200);
  });

  it("looks for no file when the API is called", async () => {
    const paths = ["/boards", "/leaderboard", "/rank/Alba.js", "/replay", "/profile", "/score", "/nothing"];
    const statIn = fs.stat;
    const looked: string[] = [];
    // What express.static asks for each path.
    fs.stat = new Proxy(statIn, {
      apply(target, self, args: Parameters<typeof statIn>) {
        looked.push(String(args[0]));
        return Reflect.apply(target, self, args) as unknown;
      },
    });
    try {
      await demo().browser().get("/");
      expect(looked).to.not.deep.equal([]);
      looked.splice(0);
      for (const path of paths) await demo().browser().get(path);
      for (const path of ["/login", "/logout", "/process"]) await demo().browser().post(path);
    } finally {
      fs.stat = statIn;
    }
    expect(looked).to.deep.equal([]);
  });
});

describe("scrapes of the demo", () => {
  const demo = useDemoApp({ metricsTtlMs: 60_000 });

  it("share one text for a while, so that they cost Redis one INFO", async () => {
    const browser = demo().browser();
    const { text } = await browser.get("/metrics").expect(200);
    await browser.get("/boards").expect(200);
    const counts = await countCommands(redis(), async () => {
      expect((await browser.get("/metrics").expect(200)).text).to.equal(text);
    });
    expect(counts.get("info")).to.equal(undefined);
  });

  it("send the content type that Prometheus wants, and nothing to keep", async () => {
    const { headers } = await demo().browser().get("/metrics").expect(200);
    expect(headers["content-type"]).to.match(/^text\/plain; version=/);
    expect(headers["cache-control"]).to.equal("no-store");
  });
});
