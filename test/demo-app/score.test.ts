import { expect } from "chai";
import { useDemoApp } from "./use-demo-app.ts";

describe("POST /score", () => {
  const demo = useDemoApp();

  it("puts the player's score on the free board and answers with the rank", async () => {
    const alice = await demo().player("alice");
    const bob = await demo().player("bob.2");
    const first = await alice.post("/score").send({ player_id: "alice", score: 10 }).expect(200);
    expect(first.body).to.deep.equal({ board: "free", player: "alice", score: 10, rank: 1 });
    const second = await bob.post("/score").send({ player_id: "bob.2", score: 10.5 }).expect(200);
    expect(second.body).to.deep.include({ score: 10.5, rank: 1 });
    const { body } = await demo().browser().get("/leaderboard").expect(200);
    expect(body).to.deep.equal({
      board: "free",
      players: [
        { player: "bob.2", score: 10.5, rank: 1 },
        { player: "alice", score: 10, rank: 2 },
      ],
    });
  });

  it("replaces the score of before, up or down", async () => {
    const alice = await demo().player("alice");
    for (const score of [10, -3, 0, 1e300]) {
      const { body } = await alice.post("/score").send({ player_id: "alice", score }).expect(200);
      expect(body.score).to.equal(score);
    }
  });

  it("refuses a request without a login with 401", async () => {
    await demo().browser().post("/score").send({ player_id: "alice", score: 10 }).expect(401);
  });

  it("refuses a score for somebody else with 403, and writes nothing", async () => {
    const alice = await demo().player("alice");
    await demo().player("bob.2");
    await alice.post("/score").send({ player_id: "bob.2", score: 10 }).expect(403);
    await demo().browser().get("/rank/bob.2").expect(404);
  });

  const bodies: readonly [what: string, body: string][] = [
    ["a score in a text", '{"player_id":"alice","score":"10"}'],
    ["a score beyond all finite numbers", '{"player_id":"alice","score":1e999}'],
    ["a score that is null", '{"player_id":"alice","score":null}'],
    ["a score in a list", '{"player_id":"alice","score":[10]}'],
    ["no score", '{"player_id":"alice"}'],
    ["no player", '{"score":10}'],
    ["a list in place of an object", '[{"player_id":"alice","score":10}]'],
  ];
  for (const [what, body] of bodies) {
    it(`refuses ${what} with 422`, async () => {
      const alice = await demo().player("alice");
      const answer = await alice.post("/score").type("json").send(body).expect(422);
      expect(answer.body.detail).to.match(/^(score|player_id) must be/);
      await demo().browser().get("/rank/alice").expect(404);
    });
  }
});

for (const [reached, burst, sustained] of [
  ["burst", 2, 3],
  ["sustained", 4, 3],
] as const) {
  describe(`the limit on scores, when the ${reached} one is reached`, () => {
    const demo = useDemoApp({
      scoreLimits: [
        { name: "burst", algorithm: "token-bucket", limit: burst, windowMs: 3_600_000 },
        { name: "sustained", algorithm: "fixed-window", limit: sustained, windowMs: 3_600_000 },
      ],
    });

    it("refuses the player who reached it, and nobody else", async () => {
      const alice = await demo().player("alice");
      const bob = await demo().player("bob");
      const post = (browser: typeof alice, player_id: string) =>
        browser.post("/score").send({ player_id, score: 1 });
      for (let score = 0; score < Math.min(burst, sustained); score += 1) {
        const { headers } = await post(alice, "alice").expect(200);
        expect(headers["ratelimit-policy"])
          .to.include(`"burst";q=${burst}`)
          .and.to.include(`"sustained";q=${sustained}`);
      }
      const refused = await post(alice, "alice").expect(429);
      expect(refused.body["violated-policies"]).to.deep.equal([reached]);
      await post(bob, "bob").expect(200);
    });
  });
}

describe("the limit on scores", () => {
  const demo = useDemoApp({
    scoreLimits: [{ name: "burst", algorithm: "fixed-window", limit: 2, windowMs: 3_600_000 }],
  });

  it("does not count requests without a login", async () => {
    for (let request = 0; request < 5; request += 1) {
      await demo().browser().post("/score").send({ player_id: "alice", score: 1 }).expect(401);
    }
  });
});
