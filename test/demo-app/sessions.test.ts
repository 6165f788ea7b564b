import { expect } from "chai";
import type { Agent } from "supertest";
import { browserFamily } from "../../demo-app/accounts/browser-family.ts";
import { redis } from "../support/shared-redis.ts";
import { PASSWORD, useDemoApp } from "./use-demo-app.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

interface Listed {
  readonly id: string;
  readonly current: boolean;
  readonly browser: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
}

describe("the sessions of a player", () => {
  const demo = useDemoApp();

  const logIn = async (username: string, userAgent = FIREFOX): Promise<Agent> => {
    const browser = demo().browser();
    await browser
      .post("/login")
      .set("User-Agent", userAgent)
      .send({ username, password: PASSWORD })
      .expect(200);
    return browser;
  };
  const listOf = async (browser: Agent): Promise<Listed[]> => {
    const { body } = await browser.get("/sessions").expect(200);
    return (body as { sessions: Listed[] }).sessions;
  };
  const idOf = async (browser: Agent): Promise<string> => {
    const own = (await listOf(browser)).find(({ current }) => current);
    return own?.id ?? "";
  };
  const end = (browser: Agent, id: string) => browser.delete(`/sessions/${encodeURIComponent(id)}`);

  it("are listed to them alone, with which is theirs just now", async () => {
    await demo().player("bob");
    const registered = await demo().player("alice");
    const firefox = await logIn("alice");
    const safari = await logIn("alice", SAFARI);
    const seen = await listOf(firefox);
    expect(seen.map(({ browser }) => browser)).to.have.members([
      "Unknown browser",
      "Firefox on Linux",
      "Safari on iOS",
    ]);
    expect(seen.filter(({ current }) => current).map(({ browser }) => browser)).to.deep.equal([
      "Firefox on Linux",
    ]);
    for (const { id, createdAt, lastUsedAt, expiresAt } of seen) {
      expect(id).to.match(/^#[\w-]{43}$/);
      expect(Date.parse(createdAt)).to.be.at.most(Date.parse(lastUsedAt));
      expect(Date.parse(expiresAt)).to.be.above(Date.now());
    }
    for (const browser of [registered, safari]) expect(await listOf(browser)).to.have.length(3);
  });

  it("are listed to nobody who is not logged in", async () => {
    const stranger = demo().browser();
    await stranger.get("/sessions").expect(401);
    await end(stranger, `#${"x".repeat(43)}`).expect(401);
    await stranger.post("/logout-everywhere").set("Content-Length", "0").expect(401);
  });

  it("open nothing by the ids that the list names", async () => {
    const alice = await demo().player("alice");
    const id = encodeURIComponent(await idOf(alice));
    for (const value of [id, `s%3A${id}.x`])
      await demo().browser().get("/profile").set("Cookie", `sid=${value}`).expect(401);
  });

  it("end one at a time", async () => {
    const here = await demo().player("alice");
    const there = await logIn("alice");
    await end(here, await idOf(there)).expect(204);
    await there.get("/profile").expect(401);
    expect(await listOf(here)).to.have.length(1);
  });

  it("end with their cookie where it is the one of the request", async () => {
    const here = await demo().player("alice");
    const there = await logIn("alice");
    const { headers } = await end(here, await idOf(here)).expect(204);
    expect(String(headers["set-cookie"])).to.match(/^sid=;/);
    await here.get("/profile").expect(401);
    expect(await listOf(there)).to.have.length(1);
  });

  it("are not another player's to end, who cannot tell them from ones that are not there", async () => {
    const alice = await demo().player("alice");
    const mallory = await demo().player("mallory");
    const refused = await end(mallory, await idOf(alice)).expect(404);
    const unknown = await end(mallory, `#${"x".repeat(43)}`).expect(404);
    expect(refused.body).to.deep.equal(unknown.body);
    await alice.get("/profile").expect(200);
    for (const id of ["*", "__proto__", "#", "x".repeat(3000)]) await end(mallory, id).expect(404);
    await mallory.delete("/sessions/%").expect(400);
  });

  it("all end at once, the present one too, and nobody else's", async () => {
    const here = await demo().player("alice");
    const others = [await logIn("alice"), await logIn("alice", SAFARI)];
    const bob = await demo().player("bob");
    const { body, headers } = await here.post("/logout-everywhere").send({}).expect(200);
    expect(body).to.deep.equal({ ended: 3 });
    expect(String(headers["set-cookie"])).to.match(/^sid=;/);
    for (const browser of [here, ...others]) await browser.get("/profile").expect(401);
    expect(await listOf(bob)).to.have.length(1);
    expect(await listOf(await logIn("alice"))).to.have.length(1);
  });

  it("are ten at most: an eleventh login ends the oldest", async () => {
    const first = await demo().player("alice");
    const second = await logIn("alice");
    for (let login = 3; login <= 11; login += 1) await logIn("alice");
    await first.get("/profile").expect(401);
    expect(await listOf(second)).to.have.length(10);
  });

  it("are one where a browser logs in again and again", async () => {
    const browser = await demo().player("alice");
    for (let again = 0; again < 3; again += 1)
      await browser.post("/login").send({ username: "alice", password: PASSWORD }).expect(200);
    expect(await listOf(browser)).to.have.length(1);
  });

  it("leave the list at logout", async () => {
    const here = await demo().player("alice");
    const there = await logIn("alice");
    await there.post("/logout").expect(204);
    expect(await listOf(here)).to.have.length(1);
  });

  it("cannot be ended from another site's page", async () => {
    const alice = await demo().player("alice");
    const foreign = { "Sec-Fetch-Site": "cross-site" };
    await alice.post("/logout-everywhere").set(foreign).send({}).expect(403);
    await end(alice, await idOf(alice))
      .set(foreign)
      .expect(403);
    expect(await listOf(alice)).to.have.length(1);
  });

  it("cannot be ended by a form, nor by a link", async () => {
    const alice = await demo().player("alice");
    await alice.post("/logout-everywhere").type("form").send("a=1").expect(415);
    const own = `/sessions/${encodeURIComponent(await idOf(alice))}`;
    for (const path of ["/logout", "/logout-everywhere", own]) await alice.get(path).expect(405);
    expect(await listOf(alice)).to.have.length(1);
  });

  it("keep nothing of what a browser calls itself but words of ours", async () => {
    await demo().player("alice");
    const browser = await logIn("alice", `<script>alert(1)</script> Firefox/1 ${"x".repeat(4000)}`);
    expect((await listOf(browser)).map((session) => session.browser)).to.include("Firefox");
    const keys = (await redis().keys("*:session:*")).filter((key) => key.includes(":#"));
    const values = await Promise.all(
      keys.map((key) =>
        redis()
          .get(key)
          .catch(() => ""),
      ),
    );
    expect(values.join()).to.not.include("alert").and.not.include("xxxx");
  });
});

describe("what a browser is called", () => {
  const names: Readonly<Record<string, string>> = {
    "": "Unknown browser",
    "curl/8.14.1": "Another browser",
    [FIREFOX]: "Firefox on Linux",
    [SAFARI]: "Safari on iOS",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0":
      "Edge on Windows",
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36":
      "Chrome on Android",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":
      "Safari on macOS",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36":
      "Chrome on ChromeOS",
  };
  for (const [userAgent, name] of Object.entries(names)) {
    it(`is "${name}" for ${userAgent.slice(0, 60) || "nothing"}`, () => {
      expect(browserFamily(userAgent)).to.equal(name);
    });
  }

  it("is known without the header, and never longer than words of ours", () => {
    expect(browserFamily(undefined)).to.equal("Unknown browser");
    const odd = ["\u0000", "Chrome/".repeat(10_000), "Firefox/<b>", "\n".repeat(600) + "Safari/"];
    for (const text of odd) expect(browserFamily(text)).to.match(/^[A-Za-z]+(?: [A-Za-z]+){0,3}$/);
  });
});
