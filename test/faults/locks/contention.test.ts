import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Redis } from "ioredis";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { redis, redisUrl } from "../../support/shared-redis.ts";
import { startSentinelSetup } from "../../support/sentinel.ts";
import { contend, progress, useContenders, type Witness } from "./contender-processes.ts";
import { judge, type Verdict } from "./history.ts";

const PROCESSES = 3;
const KEYS = ["a", "b", "c"];
/** For how much longer than it was willing to a caller may wait: for the turns of a busy process, not for the store. */
const SLACK_MS = 1000;
/** Sections of each process between two faults. */
const SOME = 15;
const FROZEN_MS = 600;

interface Fault {
  /** Whether the server keeps its data over it. */
  readonly keeps: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Returns the server as it then is. */
  readonly happen: (server: RedisServer, settings: Readonly<Record<string, string>>) => Promise<RedisServer>;
}

const killAndRestart: Fault["happen"] = async (server, settings) => {
  await server.stop();
  await pause(100);
  return startRedisServer({ ...settings, port: String(server.port) });
};

const FAULTS: Readonly<Record<string, Fault>> = {
  "that is healthy": { keeps: true, happen: async (server) => server },
  "killed and back with its data": {
    keeps: true,
    settings: { appendonly: "yes", appendfsync: "always" },
    happen: killAndRestart,
  },
  "killed and back empty": { keeps: false, happen: killAndRestart },
  "that stands still for longer than a lock": {
    keeps: true,
    happen: async (server) => {
      server.signal("SIGSTOP");
      await pause(FROZEN_MS);
      server.signal("SIGCONT");
      return server;
    },
  },
  "that loses its data": {
    keeps: false,
    happen: async (server) => {
      const client = new Redis(server.url);
      await client.flushall();
      client.disconnect();
      return server;
    },
  },
};

describeWithRedisServer("locks that several processes want, over a Redis", () => {
  const contenders = useContenders(PROCESSES, redisUrl);
  const judged = async (witnesses: readonly Witness[]): Promise<Verdict> => {
    const accepted: Record<string, number[]> = {};
    for (const key of KEYS) accepted[key] = (await redis().lrange(`{${key}}:accepted`, 0, -1)).map(Number);
    return judge(
      witnesses.flatMap(({ sections }) => sections),
      accepted,
    );
  };

  for (const [name, { keeps, settings = {}, happen }] of Object.entries(FAULTS)) {
    it(`${name}: ${keeps ? "one holder at a time, " : ""}fences rise, and everybody's waiting ends`, async function () {
      this.timeout(60_000);
      const dir = await mkdtemp(join(tmpdir(), "redis-kept-"));
      const all = { ...settings, dir };
      let server = await startRedisServer(all);
      try {
        const witnesses = await contend(contenders(), { url: server.url, keys: KEYS }, async () => {
          await progress(contenders(), SOME);
          for (let times = 0; times < 2; times++) {
            server = await happen(server, all);
            await progress(contenders(), SOME);
          }
        });
        const verdict = await judged(witnesses);
        expectNothingWrong(verdict, witnesses);
        if (keeps) expect(verdict.overlaps, "two holders").to.deep.equal([]);
        // A line, and no lottery: a process that stands still as it asks looks as if it had come later.
        if (name === "that is healthy") {
          const sections = witnesses.flatMap((witness) => witness.sections).length;
          expect(verdict.inversions.length, "overtaken").to.be.below(sections / 10);
        }
        titled(this, counts(verdict, witnesses));
      } finally {
        server.signal("SIGCONT");
        await server.stop();
        await rm(dir, { recursive: true, force: true });
      }
    });
  }

  it("that fails over to its replica: fences rise, and everybody's waiting ends", async function () {
    this.timeout(60_000);
    const setup = await startSentinelSetup();
    try {
      const witnesses = await contend(contenders(), { url: setup.url, keys: KEYS }, async () => {
        await progress(contenders(), SOME);
        await setup.master.stop();
        await setup.failover();
        await progress(contenders(), SOME);
      });
      const verdict = await judged(witnesses);
      expectNothingWrong(verdict, witnesses);
      titled(this, counts(verdict, witnesses));
    } finally {
      await setup.stop();
    }
  });
});

function expectNothingWrong({ fallen, stale }: Verdict, witnesses: readonly Witness[]): void {
  expect(fallen, "a later holder without a higher fence").to.deep.equal([]);
  expect(stale, "fences that a register accepted too late").to.deep.equal([]);
  for (const { worstOverdueMs } of witnesses) expect(worstOverdueMs).to.be.below(SLACK_MS);
  const codes = new Set(witnesses.flatMap(({ failed }) => Object.keys(failed)));
  for (const code of codes) expect(code).to.be.oneOf(["LOCK_TIMEOUT", "STORE_TIMEOUT", "STORE_UNAVAILABLE"]);
}

/** Counted where they are allowed, and said behind the test's name. */
function counts({ overlaps, inversions }: Verdict, witnesses: readonly Witness[]): string {
  const sections = witnesses.flatMap((witness) => witness.sections).length;
  return ` (of ${sections}, ${overlaps.length} overlap and ${inversions.length} were overtaken)`;
}

function titled(context: Mocha.Context, more: string): void {
  if (context.test) context.test.title += more;
}
