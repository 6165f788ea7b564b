import { expect } from "chai";
import { eventually } from "../support/eventually.ts";
import { redis } from "../support/shared-redis.ts";
import { PASSWORD, useDemoApp } from "./use-demo-app.ts";

const credentials = { username: "alice", password: PASSWORD };

function cookieOf(headers: Record<string, unknown>): string {
  return String((headers["set-cookie"] as string[] | undefined)?.[0] ?? "");
}

describe("accounts and logins", () => {
  const demo = useDemoApp();

  it("lets a player register, which also logs in", async () => {
    const browser = demo().browser();
    const { body } = await browser.post("/register").send(credentials).expect(201);
    expect(body).to.deep.equal({ player: "alice" });
    const profile = await browser.get("/profile").expect(200);
    expect(profile.body).to.deep.equal({ player: "alice", free: null });
  });

  it("lets a player log in, and shows the profile with the score", async () => {
    const first = await demo().player("alice");
    await first.post("/score").send({ player_id: "alice", score: 7 }).expect(200);
    const browser = demo().browser();
    const { body } = await browser.post("/login").send(credentials).expect(200);
    expect(body).to.deep.equal({ player: "alice" });
    const profile = await browser.get("/profile").expect(200);
    expect(profile.body).to.deep.equal({ player: "alice", free: { player: "alice", score: 7, rank: 1 } });
  });

  it("gives a name to one of two that ask for it at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => demo().browser().post("/register").send(credentials)),
    );
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).to.deep.equal([
      201, 409, 409, 409, 409,
    ]);
  });

  it("keeps the first password of a name that somebody else asks for", async () => {
    await demo().player("alice");
    await demo().browser().post("/register").send({ username: "alice", password: "another one" }).expect(409);
    await demo().browser().post("/login").send(credentials).expect(200);
  });

  it("answers a wrong password and an unknown name alike, with 401", async () => {
    await demo().player("alice");
    const wrong = await demo().browser().post("/login").send({ username: "alice", password: "wrong horse" });
    const unknown = await demo().browser().post("/login").send({ username: "nobody", password: PASSWORD });
    expect(wrong.status).to.equal(401);
    expect(unknown.status).to.equal(401);
    expect(unknown.body).to.deep.equal(wrong.body);
  });

  const names = ["ab", "a".repeat(33), "al ice", "{alice}", "al*ce", "älice", "", "al\nice"];
  for (const username of names) {
    it(`refuses to register the name ${JSON.stringify(username)}, and finds nobody of it`, async () => {
      const { body } = await demo()
        .browser()
        .post("/register")
        .send({ username, password: PASSWORD })
        .expect(422);
      expect(body.detail).to.include("username");
      await demo().browser().post("/login").send({ username, password: PASSWORD }).expect(401);
    });
  }

  it("takes passwords of 8 to 128 characters", async () => {
    const register = (username: string, length: number) =>
      demo()
        .browser()
        .post("/register")
        .send({ username, password: "x".repeat(length) });
    await register("seven", 7).expect(422);
    await register("eight", 8).expect(201);
    await register("most", 128).expect(201);
    await register("more", 129).expect(422);
  });

  it("refuses credentials that are no texts", async () => {
    for (const body of [
      {},
      [],
      { username: ["alice"], password: PASSWORD },
      { username: "alice", password: 12345678 },
    ]) {
      await demo().browser().post("/login").send(body).expect(422);
      await demo().browser().post("/register").send(body).expect(422);
    }
  });

  it("gives a login a session id of its own, and ends the one before", async () => {
    await demo().player("alice");
    const before =
      cookieOf((await demo().browser().post("/login").send(credentials)).headers).split(";")[0] ?? "";
    const login = await demo().browser().post("/login").set("Cookie", before).send(credentials).expect(200);
    const after = cookieOf(login.headers).split(";")[0] ?? "";
    expect(after).to.match(/^sid=/).and.not.equal(before);
    await demo().browser().get("/profile").set("Cookie", after).expect(200);
    await demo().browser().get("/profile").set("Cookie", before).expect(401);
  });

  it("sends a cookie that scripts cannot read and other sites do not carry", async () => {
    const { headers } = await demo().browser().post("/register").send(credentials);
    expect(cookieOf(headers)).to.include("HttpOnly").and.to.include("SameSite=Lax");
    expect(cookieOf(headers).split(";")[0]).to.have.length.below(200);
    expect(headers["cache-control"]).to.equal("no-store");
  });

  it("ends the session at logout, so that its cookie is worth nothing afterwards", async () => {
    const { headers } = await demo().browser().post("/register").send(credentials);
    const cookie = cookieOf(headers).split(";")[0] ?? "";
    await demo().browser().get("/profile").set("Cookie", cookie).expect(200);
    const logout = await demo().browser().post("/logout").set("Cookie", cookie).expect(204);
    expect(cookieOf(logout.headers)).to.match(/^sid=;.*Expires=Thu, 01 Jan 1970/);
    await demo().browser().get("/profile").set("Cookie", cookie).expect(401);
  });

  it("lets somebody log out who is not logged in", async () => {
    await demo().browser().post("/logout").expect(204);
  });

  it("shows a profile to nobody without a login, or with a forged cookie", async () => {
    await demo().browser().get("/profile").expect(401);
    await demo().browser().get("/profile").set("Cookie", "sid=s%3Aabc.def").expect(401);
  });

  it("keeps neither passwords nor session ids readable in Redis", async () => {
    const { headers } = await demo().browser().post("/register").send(credentials);
    const id = decodeURIComponent(cookieOf(headers)).slice("sid=s:".length).split(".")[0] ?? "";
    expect(id).to.have.length.of.at.least(20);
    const keys = await redis().keys("*");
    const values = await Promise.all(
      keys.map(async (key) => {
        const type = await redis().type(key);
        return type === "zset" ? redis().zrange(key, "0", "-1") : type === "string" ? redis().get(key) : type;
      }),
    );
    const kinds = ["account", "session"].map(
      (kind) => keys.filter((key) => key.includes(`:${kind}:`)).length,
    );
    expect(kinds, "an account; a session, in two indexes").to.deep.equal([1, 3]);
    const stored = [...keys, ...values.flat()].join("\n");
    expect(stored).to.not.include(PASSWORD);
    expect(stored).to.not.include(id);
  });
});

describe("the limit on logins", () => {
  const demo = useDemoApp({
    loginLimits: [{ name: "login", algorithm: "fixed-window", limit: 3, windowMs: 60_000 }],
  });

  it("counts logins and registrations together, and refuses with 429 what goes beyond", async () => {
    const browser = demo().browser();
    await browser.post("/register").send(credentials).expect(201);
    await browser.post("/login").send(credentials).expect(200);
    await browser.post("/login").send({ username: "alice", password: "a wrong one" }).expect(401);
    const { headers, body } = await browser.post("/login").send(credentials).expect(429);
    expect(Number(headers["retry-after"])).to.be.within(1, 60);
    expect(body["violated-policies"]).to.deep.equal(["login"]);
    // The session of before is not affected.
    await browser.get("/profile").expect(200);
  });
});

describe("the limit on an account", () => {
  const demo = useDemoApp({
    accountLimits: [{ name: "account", algorithm: "fixed-window", limit: 2, windowMs: 60_000 }],
  });
  const login = (username: string, password: string) =>
    demo().browser().post("/login").send({ username, password });

  it("refuses further guesses at one name, and leaves other names alone", async () => {
    await demo().player("alice");
    await demo().player("bob");
    for (let guess = 0; guess < 2; guess += 1) await login("alice", "a wrong one").expect(401);
    const { headers, body } = await login("alice", PASSWORD).expect(429);
    expect(Number(headers["retry-after"])).to.be.within(1, 60);
    expect(body["violated-policies"]).to.deep.equal(["account"]);
    await login("bob", PASSWORD).expect(200);
  });

  it("counts no login that succeeds", async () => {
    await demo().player("alice");
    for (let time = 0; time < 5; time += 1) {
      await eventually(async () => void (await login("alice", PASSWORD).expect(200)));
    }
  });
});

describe("requests that another site's page sends", () => {
  const demo = useDemoApp();
  const foreign: readonly Record<string, string>[] = [
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { Origin: "https://elsewhere.example" },
    { Origin: "null" },
  ];

  for (const headers of foreign) {
    it(`neither log the player out nor start the job, by ${JSON.stringify(headers)}`, async () => {
      const alice = await demo().player("alice");
      for (const path of ["/logout", "/process"]) {
        const { body } = await alice.post(path).set(headers).set("Content-Length", "0").expect(403);
        expect(body).to.include({ title: "Forbidden", status: 403 });
      }
      await alice.get("/profile").expect(200);
    });
  }

  it("are also those of another port of the same host, and not those of the own page", async () => {
    const alice = await demo().player("alice");
    const { hostname, port } = new URL(demo().url);
    const origin = (at: number): string => `http://${hostname}:${at}`;
    await alice
      .post("/logout")
      .set("Origin", origin(Number(port) + 1))
      .expect(403);
    await alice
      .post("/logout")
      .set("Origin", origin(Number(port)))
      .expect(204);
  });
});
