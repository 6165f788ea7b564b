import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { Redis } from "ioredis";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { judge, useCoherenceProcesses, type Verdict, type Witness } from "./coherence-processes.ts";
import { useTieredStores } from "./tiered-stores.ts";

const PROCESSES = 3;
/** Writes, while connections are killed; then reads alone, which show for long what went unheard. */
const WRITING_MS = 1500;
const READING_MS = 3000;
/** Longer than a busy machine stalls, and far below the time that a copy is used without asking. */
const NEVER_OLDER_MS = READING_MS - 1000;

const MODES = {
  tracking: { rules: "+@all", foreign: true },
  bus: { rules: "+@all -client|tracking", foreign: false },
} as const;

describeWithRedisServer("the copies of several processes", () => {
  for (const [mode, { rules, foreign }] of Object.entries(MODES)) {
    describe(`kept coherent by ${mode}`, () => {
      const stores = useTieredStores();
      let server: RedisServer;
      before(async () => {
        server = await startRedisServer();
        const admin = stores.plain(server.port);
        await admin.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", ...rules.split(" "));
      });
      const processes = useCoherenceProcesses(PROCESSES, () => `redis://app:pw@127.0.0.1:${server.port}`);
      after(() => server.stop());

      it("are no older than the news take, while connections are killed at random", async function () {
        const running = Promise.all(
          processes().map((process) =>
            process.order<Witness>({ kind: "run", writingMs: WRITING_MS, readingMs: READING_MS, foreign }),
          ),
        );
        const kills = await killListeners(stores.plain(server.port), WRITING_MS);
        const witnesses = await running;
        const verdict = judge(witnesses);
        if (this.test) this.test.title += `: ${summaryOf(verdict)}, ${kills} killed`;
        expect(kills).to.be.greaterThan(3);
        for (const { stats, failed, unlikeWritten } of witnesses) {
          expect(stats).to.include({ mode, coherent: true });
          expect(stats.hits.l1).to.be.greaterThan(stats.hits.l2 / 10);
          expect({ failed, unlikeWritten }).to.deep.equal({ failed: 0, unlikeWritten: 0 });
        }
        expect(verdict.worstMs).to.be.lessThan(NEVER_OLDER_MS);
      });
    });
  }
});

/** Ends connections that listen, one at a time, and returns how many. */
async function killListeners(admin: Redis, forMs: number): Promise<number> {
  const endsAt = performance.now() + forMs;
  let kills = 0;
  while (performance.now() < endsAt) {
    await pause(randomInt(100, 200));
    const ids = [...String(await admin.client("LIST", "TYPE", "PUBSUB")).matchAll(/^id=(\d+)/gm)];
    const id = ids[randomInt(Math.max(1, ids.length))]?.[1];
    if (id !== undefined) kills += Number(await admin.client("KILL", "ID", id));
  }
  return kills;
}

function summaryOf({ reads, staleMs, p99Ms, worstMs }: Verdict): string {
  const [p99, worst] = [p99Ms, worstMs].map((ms) => ms.toFixed(2));
  return `${reads} reads, ${staleMs.length} stale, 99 % by at most ${p99} ms, all by ${worst} ms`;
}
