import { expect } from "chai";
import { SessionEndedError } from "express-redis-suite/stores/errors";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { randomNumbers } from "./random-numbers.ts";

/** On a Cluster each look at all sessions is a command for each shard. */
const ROUNDS: Readonly<Record<string, number>> = { standalone: 60, cluster: 15 };
const ACTORS = 12;
const SESSIONS = 6;

describe("logins, logouts and revocations of one user at the same time", () => {
  onEachRedis((topology, client) => {
    const storeOf = (peer: number, maxSessions?: number): RedisSessionStore =>
      new RedisSessionStore({
        client: client(peer),
        prefix: "sess",
        deadlineMs: PATIENT_MS,
        ...(maxSessions === undefined ? {} : { users: { maxSessions } }),
      });

    for (const most of [undefined, 3]) {
      it(`leave no session alive that its user's list does not have (${most ?? "any number"})`, async function () {
        this.timeout(120_000);
        const stores = [0, 1, 2, 3].map((peer) => storeOf(peer, most));
        const [first] = stores;
        if (!first) throw new Error("there are no stores");
        for (let round = 0; round < (ROUNDS[topology] ?? 0); round++) {
          const random = randomNumbers(round);
          const user = `user ${round}`;
          const act = async (at: number): Promise<void> => {
            const store = stores[at % stores.length] ?? first;
            const sid = `${user} ${random(SESSIONS)}`;
            const session: SessionData & { userId: string } = {
              cookie: { originalMaxAge: 60_000 },
              userId: user,
            };
            const actions = [
              () => store.set(sid, session),
              () => store.set(sid, session),
              () => store.set(sid, session),
              () => store.destroy(sid),
              () => store.sessionsOf(user),
              () => (random(3) === 0 ? store.revokeAll(user) : store.revoke(sid)),
            ];
            await actions[random(actions.length)]?.();
          };
          const results = await Promise.allSettled(Array.from({ length: ACTORS }, (_, at) => act(at)));
          for (const result of results)
            if (result.status === "rejected") expect(result.reason).to.be.instanceOf(SessionEndedError);
          const alive = (await first.ids()).toSorted();
          const listed = (await first.sessionsOf(user)).map(({ id }) => id).toSorted();
          expect(listed, `round ${round}`).to.deep.equal(alive);
          if (most !== undefined) expect(alive.length, `round ${round}`).to.be.at.most(most);
          expect(await first.revokeAll(user)).to.equal(alive.length);
          expect(await first.length()).to.equal(0);
        }
      });
    }
  });
});
