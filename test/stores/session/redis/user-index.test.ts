import { expect } from "chai";
import { SessionEndedError } from "express-redis-suite/stores/errors";
import { BEGINNING_MS } from "../../../../stores/session/redis/user-index-scripts.ts";
import { UserIndex } from "../../../../stores/session/redis/user-index.ts";
import { userHash } from "../../../../stores/session/redis/session-ids.ts";
import { onEachRedis } from "../../../contracts/redis-backends.ts";
import { countCommands } from "../../../support/command-counts.ts";
import { redis } from "../../../support/shared-redis.ts";
import { idOf, LONGEST, SessionsByHand } from "./sessions-by-hand.ts";

const LIVES_MS = 600_000;
const ADA = userHash("ada");

describe("the index of a user's sessions", () => {
  onEachRedis((_topology, client) => {
    let sessions: SessionsByHand;
    let index: UserIndex;
    beforeEach(() => {
      sessions = new SessionsByHand(client());
      index = indexOver(sessions);
    });

    const logIn = (name: string, user = "ada", createdAt = Date.now()): Promise<void> =>
      index.admit({ user: userHash(user), id: idOf(name), livesMs: LIVES_MS }, () =>
        sessions.write({ id: idOf(name), user, createdAt }),
      );
    const listed = async (user = "ada"): Promise<string[]> =>
      (await index.sessionsOf(userHash(user))).map(([id]) => id);
    const entered = (): Promise<string[]> => sessions.client.zrange(sessions.keys.user(ADA), "0", "-1");

    it("has the sessions of each user, those that began last first", async () => {
      await logIn("a", "ada", Date.now() - 3000);
      await logIn("b", "ada", Date.now() - 1000);
      await logIn("c", "ada", Date.now() - 2000);
      await logIn("d", "bob");
      expect(await listed()).to.deep.equal(["b", "c", "a"].map(idOf));
      expect(await listed("bob")).to.deep.equal([idOf("d")]);
      expect(await listed("nobody")).to.deep.equal([]);
    });

    it("is entered before a session is stored, so that none is missing in it", async () => {
      await index.admit({ user: ADA, id: idOf("a"), livesMs: LIVES_MS }, async () => {
        expect(await entered()).to.deep.equal([idOf("a")]);
        expect(await listed()).to.deep.equal([]);
        expect(await entered()).to.deep.equal([idOf("a")]);
        await sessions.write({ id: idOf("a"), user: "ada" });
      });
      expect(await listed()).to.deep.equal([idOf("a")]);
    });

    it("drops what is past by its score with each write, and goes with its last session", async () => {
      await logIn("a");
      const key = sessions.keys.user(ADA);
      const last = Number(await sessions.client.zscore(key, idOf("a")));
      expect(last - Date.now()).to.be.within(LIVES_MS, LIVES_MS + 2 * BEGINNING_MS);
      expect(await sessions.client.pexpiretime(key)).to.equal(Math.ceil(last));
      await sessions.client.zadd(key, Date.now() - 1, "#past", last + 5000, "#later");
      await logIn("b");
      expect(await entered()).to.have.members([idOf("a"), idOf("b"), "#later"]);
      expect(await sessions.client.pexpiretime(key)).to.equal(Math.ceil(last + 5000));
    });

    it("drops those that have expired as it is read, and nothing that only this process finds too long", async () => {
      await logIn("a");
      await logIn("expired");
      await logIn("long");
      await sessions.client.unlink(sessions.keys.session(idOf("expired")));
      await sessions.client.append(sessions.keys.session(idOf("long")), " ".repeat(LONGEST));
      expect(await listed()).to.deep.equal([idOf("a")]);
      expect(await entered()).to.have.members([idOf("a"), idOf("long")]);
    });

    it("passes over a key of another type, and values that are no sessions", async () => {
      for (const name of ["a", "list", "text"]) await logIn(name);
      await sessions.client.del(sessions.keys.session(idOf("list")));
      await sessions.client.rpush(sessions.keys.session(idOf("list")), "x");
      await sessions.client.set(sessions.keys.session(idOf("text")), '{"cookie":{}}');
      expect(await listed()).to.deep.equal([idOf("a")]);
      expect(await index.revokeAll(ADA)).to.equal(1);
    });

    it("is left by sessions that have ended", async () => {
      await logIn("a");
      await logIn("b");
      await sessions.end([idOf("a")]);
      await index.leave(ADA, [idOf("a")]);
      expect(await entered()).to.deep.equal([idOf("b")]);
    });

    it("is not left by one that was stored anew since it ended", async () => {
      await logIn("a");
      await sessions.end([idOf("a")]);
      await logIn("a");
      await index.leave(ADA, [idOf("a")]);
      expect(await listed()).to.deep.equal([idOf("a")]);
    });

    it("ends all of a user's sessions but one, and nobody else's", async () => {
      for (const name of ["a", "b", "c"]) await logIn(name);
      await logIn("d", "bob");
      expect(await index.revokeAll(ADA, idOf("b"))).to.equal(2);
      expect(await listed()).to.deep.equal([idOf("b")]);
      expect(await sessions.alive(["a", "b", "c", "d"].map(idOf))).to.deep.equal(["b", "d"].map(idOf));
      expect(await index.revokeAll(ADA)).to.equal(1);
      expect(await index.revokeAll(ADA)).to.equal(0);
      expect(await entered()).to.deep.equal([]);
    });

    it("ends no session that has become another user's", async () => {
      await logIn("a");
      await logIn("a", "bob");
      expect(await listed()).to.deep.equal([]);
      await logIn("b");
      expect(await index.revokeAll(ADA)).to.equal(1);
      expect(await listed("bob")).to.deep.equal([idOf("a")]);
    });

    it("ends a session that begins meanwhile, and its login fails", async () => {
      const outcome: unknown = await index
        .admit({ user: ADA, id: idOf("a"), livesMs: LIVES_MS }, async () => {
          expect(await index.revokeAll(ADA)).to.equal(0);
          await sessions.write({ id: idOf("a"), user: "ada" });
        })
        .catch((error: unknown) => error);
      expect(outcome).to.be.instanceOf(SessionEndedError);
      expect(await sessions.alive([idOf("a")])).to.deep.equal([]);
      expect(await entered()).to.deep.equal([]);
    });

    it("ends more sessions than one command names", async function () {
      this.timeout(60_000);
      const ids = Array.from({ length: 700 }, (_, at) => idOf(`many ${at}`));
      await Promise.all(ids.map((id) => sessions.write({ id, user: "ada" })));
      await sessions.client.zadd(
        sessions.keys.user(ADA),
        ...ids.flatMap((id) => [String(Date.now() + LIVES_MS), id]),
      );
      expect(await listed()).to.have.members(ids);
      expect(await index.revokeAll(ADA)).to.equal(700);
      expect(await entered()).to.deep.equal([]);
    });

    it("lets one session log in twice at once", async () => {
      await Promise.all([logIn("a"), logIn("a"), logIn("a")]);
      expect(await listed()).to.deep.equal([idOf("a")]);
    });
  });

  it("costs commands by the sessions of the user, whatever else there is", async () => {
    const sessions = new SessionsByHand(redis());
    const index = indexOver(sessions);
    const logIn = (name: string, user: string): Promise<void> =>
      index.admit({ user: userHash(user), id: idOf(name), livesMs: LIVES_MS }, () =>
        sessions.write({ id: idOf(name), user }),
      );
    const others = Array.from({ length: 200 }, (_, at) => `other ${at}`);
    await Promise.all(others.map((name) => logIn(name, name)));
    for (let at = 0; at < 20; at++) await logIn(`own ${at}`, "ada");
    await index.sessionsOf(ADA);
    const commands = async (run: () => Promise<unknown>): Promise<unknown> =>
      Object.fromEntries(await countCommands(redis(), run));

    const login = () => index.admit({ user: ADA, id: idOf("own 1"), livesMs: LIVES_MS }, async () => {});
    expect(await commands(login)).to.deep.equal({ evalsha: 2 });
    expect(await commands(() => index.sessionsOf(ADA))).to.deep.equal({ evalsha: 2 });
    await index.revokeAll(userHash("other 1"));
    const revoke = () => index.revokeAll(ADA);
    // Looked up, thrown out, read, and left, each in one command; ended here one by one.
    expect(await commands(revoke)).to.deep.equal({ evalsha: 4, unlink: 20, zrem: 20 });
  });
});

function indexOver(sessions: SessionsByHand): UserIndex {
  return new UserIndex(sessions.redis, {
    keys: sessions.keys,
    records: sessions.records,
    end: (ids) => sessions.end(ids),
  });
}
