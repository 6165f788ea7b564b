import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { eventually } from "../support/eventually.ts";
import { describeWithRedisServer, freePort, startRedisServer } from "../support/redis-server.ts";
import { engine } from "../support/shared-redis.ts";
import { BUNDESLIGA_2013_IN_DATA, PREMIER_LEAGUE_2015, type KnownTable } from "./known-tables.ts";
import { isAlive, startCli, urlOf, type CliOptions, type CliRun } from "./run-cli.ts";

interface Row {
  readonly player: string;
  readonly points: number;
  readonly goalDifference: number;
  readonly goals: number;
  readonly rank: number;
}

interface Report {
  readonly redis: string;
  readonly matches: number;
  readonly boards: Readonly<Record<string, readonly Row[]>>;
}

describe("npm run demo", () => {
  const runs: CliRun[] = [];
  const start = async (options?: CliOptions): Promise<CliRun> => {
    const run = await startCli(options);
    runs.push(run);
    return run;
  };

  before(async function () {
    // The first start compiles what is not compiled yet.
    this.timeout(120_000);
    expect(await (await start({ args: ["--help"] })).ended).to.equal(0);
  });
  afterEach(async () => {
    await Promise.all(runs.splice(0).map((run) => run.cleanUp()));
  });

  async function expectNothingLeft(run: CliRun): Promise<void> {
    await eventually(() => expect(run.descendants().filter(isAlive)).to.deep.equal([]));
    expect(await run.leftFiles()).to.deep.equal([]);
  }

  async function expectOneLine(options: CliOptions, code: number): Promise<string> {
    const run = await start(options);
    expect(await run.ended).to.equal(code);
    expect(run.stdout()).to.equal("");
    expect(run.stderr().trimEnd().split("\n")).to.have.length(1);
    await expectNothingLeft(run);
    return run.stderr();
  }

  async function expectOnceReport(engineName: "native" | "wasm"): Promise<void> {
    const run = await start({ args: ["--once"], env: { EMBEDDED_REDIS: engineName } });
    expect(await run.ended, run.stderr()).to.equal(0);
    const { redis, matches, boards } = JSON.parse(run.stdout()) as Report;
    expect([redis, matches, Object.keys(boards).length]).to.deep.equal([`embedded-${engineName}`, 6504, 20]);
    expectTable(boards["English Premier League 2015-16"], PREMIER_LEAGUE_2015);
    expectTable(boards["Deutsche Bundesliga 2013-14"], BUNDESLIGA_2013_IN_DATA);
    expect(run.stderr()).to.include("4 of 6508 matches have no score and are left out");
    await expectNothingLeft(run);
  }

  function expectTable(rows: readonly Row[] | undefined, known: KnownTable): void {
    expect(rows?.map(({ player, points, rank }) => [player, points, rank])).to.deep.equal(
      known.map(([player, points], at) => [player, points, at + 1]),
    );
    for (const row of rows ?? []) {
      expect(row).to.have.all.keys("player", "points", "goalDifference", "goals", "rank");
    }
  }

  describeWithRedisServer("on a native server", () => {
    it("prints all tables as one JSON object with --once, and leaves nothing behind", () =>
      expectOnceReport("native"));

    it("says in one line that a Redis refuses the import, and ends with 1", async () => {
      const full = await startRedisServer({ maxmemory: "1" });
      const run = await start({ env: { PORT: "0", REDIS_URL: full.url } });
      expect(await run.ended).to.equal(1);
      expect(run.stderr())
        .to.match(/^demo: Redis cannot serve this now: OOM [^\n]*\n$/m)
        .and.not.include("    at ");
      await full.stop();
    });

    it("ends everything when its process is killed", async () => {
      const run = await start({ env: { PORT: "0", EMBEDDED_REDIS: "native" } });
      await urlOf(run);
      expect(run.descendants()).to.not.deep.equal([]);
      run.child.kill("SIGKILL");
      await run.ended;
      await eventually(() => expect(run.descendants().filter(isAlive)).to.deep.equal([]));
    });
  });

  it("prints nothing but the JSON object through npm, too", async () => {
    const run = await start({ npm: true, args: ["--once"], env: { EMBEDDED_REDIS: engine } });
    expect(await run.ended).to.equal(0);
    expect((JSON.parse(run.stdout()) as Report).matches).to.equal(6504);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends everything when npm is told to end by ${signal}`, async () => {
      const run = await start({ npm: true, env: { PORT: "0", EMBEDDED_REDIS: engine } });
      await urlOf(run);
      expect(run.descendants()).to.have.length.of.at.least(2);
      run.child.kill(signal);
      await expectNothingLeft(run);
    });
  }

  it("prints all tables with --once on the WebAssembly server, and leaves nothing behind", () =>
    expectOnceReport("wasm"));

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends everything on ${signal}, after the requests that are under way`, async () => {
      const run = await start({ env: { PORT: "0", EMBEDDED_REDIS: engine } });
      const url = await urlOf(run);
      expect(run.stdout()).to.include(`embedded-${engine}`);
      const { job } = await runningJob(url);
      const board = "English Premier League 2015-16";
      const replay = await fetch(`${url}/replay?${new URLSearchParams({ board, speed: "5" })}`);
      run.child.kill(signal);
      expect((await job).status).to.equal(200);
      expect(await replay.text()).to.include("event: match");
      expect(await run.ended).to.equal(0);
      await expectNothingLeft(run);
    });
  }

  it("ends at once on a second signal, and so does its Redis", async () => {
    const run = await start({ env: { PORT: "0", EMBEDDED_REDIS: engine } });
    await runningJob(await urlOf(run));
    run.child.kill("SIGINT");
    await pause(600);
    run.child.kill("SIGINT");
    expect(await run.ended).to.equal(130);
    await eventually(() => expect(run.descendants().filter(isAlive)).to.deep.equal([]));
  });

  it("takes a signal that comes twice for one key press", async () => {
    const run = await start({ env: { PORT: "0", EMBEDDED_REDIS: engine } });
    const { job } = await runningJob(await urlOf(run));
    run.child.kill("SIGINT");
    await pause(50);
    run.child.kill("SIGINT");
    expect((await job).status).to.equal(200);
    expect(await run.ended).to.equal(0);
    await expectNothingLeft(run);
  });

  it("moves to a free port when 3000 is taken", async () => {
    const occupant = await occupy(3000);
    try {
      const run = await start({ env: { EMBEDDED_REDIS: engine } });
      const url = new URL(await urlOf(run));
      expect(url.port).to.not.equal("3000");
      await eventually(async () => expect((await fetch(new URL("/readyz", url))).status).to.equal(200));
      run.child.kill("SIGINT");
      expect(await run.ended).to.equal(0);
    } finally {
      occupant?.close();
    }
  });

  it("says in one line that the port it was given is taken, and ends with 1", async () => {
    const port = await freePort();
    const occupant = await occupy(port);
    try {
      const run = await start({ env: { PORT: String(port), EMBEDDED_REDIS: engine } });
      expect(await run.ended).to.equal(1);
      expect(run.stderr())
        .to.match(new RegExp(`^demo: PORT ${port} .*taken`, "m"))
        .and.not.include("    at ");
      await expectNothingLeft(run);
    } finally {
      occupant?.close();
    }
  });

  it("says in one line what it tried when there is no Redis and nothing to embed, and ends with 1", async () => {
    const empty = await mkdtemp(join(tmpdir(), "empty-path-"));
    const line = await expectOneLine({ env: { PATH: empty, EMBEDDED_REDIS: "native" } }, 1);
    expect(line).to.include("redis-server: not on PATH").and.to.include("valkey-server: not on PATH");
    await rm(empty, { recursive: true });
  });

  it("says in one line that REDIS_URL leads nowhere, without its password, and ends with 1", async () => {
    const port = await freePort();
    const line = await expectOneLine({ env: { REDIS_URL: `redis://:opensesame@127.0.0.1:${port}` } }, 1);
    expect(line).to.include("REDIS_URL").and.to.include(`127.0.0.1:${port}`).and.not.include("opensesame");
  });

  it("says in one line which variable is wrong, and ends with 1", async () => {
    expect(await expectOneLine({ env: { PORT: "http" } }, 1)).to.include("PORT");
    expect(await expectOneLine({ env: { EMBEDDED_REDIS: "docker" } }, 1)).to.include("EMBEDDED_REDIS");
  });

  it("says in one line that it does not know an argument, and ends with 2", async () => {
    expect(await expectOneLine({ args: ["--twice"] }, 2)).to.include("--twice");
    expect(await expectOneLine({ args: ["once"] }, 2)).to.include("once");
  });
});

/** Starts a job of two seconds, and waits until it holds its lock. */
async function runningJob(url: string): Promise<{ readonly job: Promise<Response> }> {
  const cookie = await registered(url);
  const request = { method: "POST", headers: { cookie } };
  const job = fetch(`${url}/process`, request);
  // A test that ends the demo by force does not wait for it.
  job.catch(() => {});
  // A head start, so that none of the next requests becomes the one that holds the lock.
  await pause(100);
  await eventually(async () => expect((await fetch(`${url}/process`, request)).status).to.equal(409));
  // Wrapped, so that awaiting this function does not await the job.
  return { job };
}

async function registered(url: string): Promise<string> {
  const response = await fetch(`${url}/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "alice", password: "correct horse" }),
  });
  expect(response.status).to.equal(201);
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

/** Takes a port; undefined where somebody else has it already, which is just as well. */
async function occupy(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, "127.0.0.1");
  // Rejects with the server's error.
  return once(server, "listening").then(
    () => server,
    () => undefined,
  );
}
