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
});
