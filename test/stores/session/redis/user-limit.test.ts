import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import {
  SessionEndedError,
  SessionLimitError,
  SessionTooLargeError,
  StoreTimeoutError,
} from "express-redis-suite/stores/errors";
import { UserIndex, type UserLimit } from "../../../../stores/session/redis/user-index.ts";
import { userHash } from "../../../../stores/session/redis/session-ids.ts";
import { onEachRedis } from "../../../contracts/redis-backends.ts";
import { createGate } from "../../../support/gate.ts";
import { idOf, SessionsByHand } from "./sessions-by-hand.ts";

const USER = userHash("ada");
const LIVES_MS = 600_000;
const ROUNDS = 20;

describe("the most sessions of a user", () => {
  onEachRedis((_topology, client) => {
    let changes: string[] = [];
    let sessions: SessionsByHand;
    beforeEach(() => {
      changes = [];
      sessions = new SessionsByHand(client());
    });

    function indexOf(limit: UserLimit, peer = 0): UserIndex {
      const own = new SessionsByHand(client(peer));
      return new UserIndex(own.redis, {
        keys: own.keys,
        records: own.records,
        end: (ids) => own.end(ids),
        limit,
        onChange: (change, many) => changes.push(`${change} ${many}`),
      });
    }

    const atMost = (maxSessions: number, atLimit: UserLimit["atLimit"] = "evict-oldest"): UserLimit => ({
      maxSessions,
      atLimit,
    });
    const logIn = (index: UserIndex, name: string, meanwhile?: () => Promise<unknown>): Promise<void> =>
      index.admit({ user: USER, id: idOf(name), livesMs: LIVES_MS }, async () => {
        await meanwhile?.();
        await sessions.write({ id: idOf(name), user: "ada" });
      });
    const alive = async (names: readonly string[]): Promise<string[]> => {
      const found = await sessions.alive(names.map(idOf));
      return names.filter((name) => found.includes(idOf(name)));
    };
    const failure = (run: Promise<unknown>): Promise<unknown> =>
      run.then(
        () => undefined,
        (error: unknown) => error,
      );

    /** A login that has entered and waits before it saves, and what lets it go on and tells its failure. */
    async function halfway(index: UserIndex, name: string): Promise<() => Promise<unknown>> {
      const gate = createGate();
      const login = failure(logIn(index, name, gate.pass));
      await Promise.race([gate.reached, login]);
      return () => {
        gate.open();
        return login;
      };
    }

    it("evicts the oldest for a new one", async () => {
      const index = indexOf(atMost(2));
      for (const name of ["a", "b", "c", "d"]) {
        await logIn(index, name);
        await pause(2);
      }
      expect(await alive(["a", "b", "c", "d"])).to.deep.equal(["c", "d"]);
      expect(changes).to.deep.equal(["evicted 1", "evicted 1"]);
    });

    it("evicts as many as a maximum that was lowered demands", async () => {
      for (const name of ["a", "b", "c", "d", "e"]) {
        await logIn(indexOf(atMost(5)), name);
        await pause(2);
      }
      await logIn(indexOf(atMost(2)), "f");
      expect(await alive(["a", "b", "c", "d", "e", "f"])).to.deep.equal(["e", "f"]);
      expect(changes).to.deep.equal(["evicted 4"]);
    });

    it("refuses a new one, which is then never saved", async () => {
      const index = indexOf(atMost(2, "refuse"));
      await logIn(index, "a");
      await logIn(index, "b");
      expect(await failure(logIn(index, "c"))).to.be.instanceOf(SessionLimitError);
      expect(await alive(["a", "b", "c"])).to.deep.equal(["a", "b"]);
      expect(changes).to.deep.equal(["refused 1"]);
      expect(await index.sessionsOf(USER)).to.have.length(2);
    });

    for (const atLimit of ["evict-oldest", "refuse"] as const) {
      it(`does not count what has expired unused, or ended without a word (${atLimit})`, async () => {
        const index = indexOf(atMost(2, atLimit));
        await logIn(index, "expired");
        await logIn(index, "living");
        await sessions.client.unlink(sessions.keys.session(idOf("expired")));
        await logIn(index, "new");
        expect(await alive(["living", "new"])).to.deep.equal(["living", "new"]);
        expect(changes).to.deep.equal([]);
        expect(await sessions.client.zcard(sessions.keys.user(USER))).to.equal(2);
      });

      it(`lets a session of the user's log in again (${atLimit})`, async () => {
        const index = indexOf(atMost(2, atLimit));
        await logIn(index, "a");
        await logIn(index, "b");
        await logIn(index, "a");
        expect(await alive(["a", "b"])).to.deep.equal(["a", "b"]);
        expect(changes).to.deep.equal([]);
      });

      it(`gives the place of a login back that stored nothing (${atLimit})`, async () => {
        const index = indexOf(atMost(1, atLimit));
        for (const error of [
          new SessionTooLargeError("test"),
          new SessionEndedError("test"),
          new TypeError("test"),
        ]) {
          expect(await failure(logIn(index, "a", () => Promise.reject(error)))).to.equal(error);
        }
        await logIn(index, "b");
        expect(await alive(["b"])).to.deep.equal(["b"]);
        expect(changes).to.deep.equal([]);
      });

      it(`leaves no more than that of logins at the same time (${atLimit})`, async function () {
        this.timeout(60_000);
        for (let round = 0; round < ROUNDS; round++) {
          const names = Array.from({ length: 8 }, (_, at) => `${round}.${at}`);
          const user = userHash(`user ${round}`);
          const results = await Promise.all(
            names.map((name, at) => {
              const save = async (): Promise<void> => {
                await pause((at * 7 + round) % 5);
                await sessions.write({ id: idOf(name), user: `user ${round}` });
              };
              const index = indexOf(atMost(3, atLimit), at % 4);
              return failure(index.admit({ user, id: idOf(name), livesMs: LIVES_MS }, save));
            }),
          );
          const left = await alive(names);
          expect(left, `round ${round}`).to.have.length(3);
          const expected = atLimit === "refuse" ? SessionLimitError : SessionEndedError;
          for (const error of results) if (error !== undefined) expect(error).to.be.instanceOf(expected);
          for (const name of left) expect(results[names.indexOf(name)]).to.equal(undefined);
          const listed = await indexOf(atMost(3)).sessionsOf(user);
          expect(listed.map(([id]) => id)).to.have.members(left.map(idOf));
        }
      });
    }

    it("never evicts the newest, however long older logins take to save", async () => {
      const goOn = [];
      for (const name of ["a", "b", "c", "d"]) goOn.push(await halfway(indexOf(atMost(2), 1), name));
      await logIn(indexOf(atMost(2), 2), "newest");
      const results = await Promise.all(goOn.map((go) => go()));
      expect(results.filter((error) => error instanceof SessionEndedError)).to.have.length(3);
      const left = await alive(["a", "b", "c", "d", "newest"]);
      expect(left).to.have.length(2);
      expect(left).to.include("newest");
    });

    it("counts logins that have not saved yet, which a refused one does not wait for", async () => {
      const index = indexOf(atMost(1, "refuse"));
      const goOn = await halfway(index, "a");
      expect(await failure(logIn(index, "b"))).to.be.instanceOf(SessionLimitError);
      expect(await goOn()).to.equal(undefined);
      expect(await alive(["a", "b"])).to.deep.equal(["a"]);
    });

    it("ends what an evicted login saves afterwards, and tells it", async () => {
      const goOn = await halfway(indexOf(atMost(1)), "a");
      await logIn(indexOf(atMost(1)), "b");
      expect(await goOn()).to.be.instanceOf(SessionEndedError);
      expect(await alive(["a", "b"])).to.deep.equal(["b"]);
    });

    it("keeps the place of a login of which nobody knows whether it was stored", async () => {
      const index = indexOf(atMost(1, "refuse"));
      const error = new StoreTimeoutError("test");
      expect(await failure(logIn(index, "a", () => Promise.reject(error)))).to.equal(error);
      expect(await failure(logIn(index, "b"))).to.be.instanceOf(SessionLimitError);
    });
  });
});
