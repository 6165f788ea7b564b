import { expect } from "chai";
import { close, createGuard, createRedis, type RedisClient } from "express-redis-suite/redis";
import { Redis } from "ioredis";
import { pino } from "pino";
import { agent, type Agent } from "supertest";
import { createApp, type DemoApp } from "../../demo-app/app.ts";
import { listen, type Listening } from "../../demo-app/listen.ts";
import { Outages } from "../../demo-app/outages.ts";
import { eventually } from "../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../support/redis-server.ts";
import { PASSWORD, SMALL_SEASON, TEST_SETTINGS } from "./use-demo-app.ts";

describeWithRedisServer("outages of a Redis that answers and refuses", () => {
  let server: RedisServer;
  let client: RedisClient;
  let admin: Redis;
  let demo: DemoApp;
  let listening: Listening;
  let browser: Agent;
  let log: string[];
  /** Runs a script that does not end. */
  let stuck: Redis | undefined;

  beforeEach(async () => {
    server = await startRedisServer();
    client = await createRedis(server.url, { name: "outage-test" });
    admin = new Redis({ port: server.port, host: "127.0.0.1" });
    log = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => void log.push(line) });
    const config = { sessionSecret: "a secret for tests only" };
    demo = createApp({ redis: client, config, seasons: [SMALL_SEASON], logger, settings: TEST_SETTINGS });
    listening = await listen(demo.app, { port: 0, host: "127.0.0.1" });
    browser = agent(listening.url);
    await browser.post("/register").send({ username: "alice", password: PASSWORD }).expect(201);
  });
  afterEach(async () => {
    await listening.close(0);
    demo.close();
    admin.disconnect();
    stuck?.disconnect();
    await close(client);
    await server.stop();
  });

  const postScore = () => browser.post("/score").send({ player_id: "alice", score: 1 });
  const readiness = async (): Promise<string> => (await browser.get("/readyz?verbose")).text;

  /** Of a master that is not there, without which it serves nothing. */
  const beginReplica = async ({ readOnly }: { readOnly: "yes" | "no" }): Promise<void> => {
    await admin.config("SET", "replica-read-only", readOnly, "replica-serve-stale-data", "no");
    await admin.replicaof("127.0.0.1", 1);
  };

  interface Refusal {
    /** What a write is told. */
    readonly word: string;
    /** What a read is told, where reads are refused as well. */
    readonly reads?: string;
    begin(): Promise<unknown>;
    end(): Promise<unknown>;
  }
  const refusals: readonly Refusal[] = [
    {
      word: "OOM",
      begin: () => admin.config("SET", "maxmemory", "1"),
      end: () => admin.config("SET", "maxmemory", "0"),
    },
    {
      word: "READONLY",
      begin: () => admin.replicaof("127.0.0.1", 1),
      end: () => admin.replicaof("NO", "ONE"),
    },
    {
      word: "NOREPLICAS",
      begin: () => admin.config("SET", "min-replicas-to-write", "1"),
      end: () => admin.config("SET", "min-replicas-to-write", "0"),
    },
    {
      word: "READONLY",
      reads: "MASTERDOWN",
      begin: () => beginReplica({ readOnly: "yes" }),
      end: () => admin.replicaof("NO", "ONE"),
    },
    {
      word: "MASTERDOWN",
      reads: "MASTERDOWN",
      begin: () => beginReplica({ readOnly: "no" }),
      end: () => admin.replicaof("NO", "ONE"),
    },
    {
      word: "BUSY",
      reads: "BUSY",
      begin: async () => {
        await admin.config("SET", "busy-reply-threshold", "20");
        // Whoever runs it hears of it only when it is killed.
        stuck = new Redis({ port: server.port, host: "127.0.0.1" });
        stuck.eval("while true do end", 0).catch(() => {});
        await eventually(async () => {
          expect(await admin.ping().catch(({ message }: Error) => message)).to.match(/^BUSY/);
        });
      },
      end: () => admin.script("KILL"),
    },
  ];
  for (const { word, reads, begin, end } of refusals) {
    const kind = reads && reads !== word ? `${word} (${reads} of reads)` : word;
    it(`of kind ${kind} are a line when they begin and one when they end, and tell /readyz`, async () => {
      expect(await readiness()).to.equal("+ redis\n+ writes\nok\n");
      await begin();
      for (let time = 0; time < 5; time += 1) await postScore().expect(503);
      await eventually(() => expect(log).to.have.length(1));
      expect(log[0]).to.include("Redis refuses writes").and.to.include(word);
      await browser.get("/leaderboard").expect(reads ? 503 : 200);
      const redisIs = reads ? `- redis: ${reads}.*` : "\\+ redis";
      await eventually(async () => {
        expect(await readiness()).to.match(new RegExp(`^${redisIs}\\n- writes: .*${word}`));
      });
      await browser.get("/readyz").expect(503);
      expect(log).to.have.length(1);
      await end();
      await eventually(() => expect(log).to.have.length(2), 8000);
      expect(log[1]).to.include("Redis takes writes again");
      await postScore().expect(200);
      await eventually(async () => expect(await readiness()).to.include("+ writes\n"));
    });
  }

  it("are told though only a probe has seen them", async () => {
    await admin.config("SET", "maxmemory", "1");
    await browser.get("/readyz").expect(503);
    await eventually(() => expect(log).to.have.length(1));
  });

  it("are no line of ours while Redis is away altogether", async () => {
    await server.stop();
    await postScore().expect(503);
    await browser.get("/readyz").expect(503);
    expect(log).to.deep.equal([]);
  });

  it("that will not pass by themselves are a line per operation, without stacks, however many requests fail", async () => {
    await admin.set("leaderboard-demo:score:{free}", "no sorted set");
    for (let time = 0; time < 5; time += 1) await postScore().expect(500);
    expect(log).to.have.length(1);
    const { operation, code, stack } = JSON.parse(log[0] ?? "{}") as Record<string, unknown>;
    expect([operation, code, stack]).to.deep.equal(["leaderboard.set", "WRONGTYPE", undefined]);
  });

  it("of accounts are heard too", async () => {
    await admin.del("leaderboard-demo:account:{alice}");
    await admin.lpush("leaderboard-demo:account:{alice}", "no record");
    for (let time = 0; time < 3; time += 1) {
      await browser.post("/login").send({ username: "alice", password: PASSWORD }).expect(500);
    }
    expect(log.map((line) => (JSON.parse(line) as { operation: string }).operation)).to.deep.equal([
      "accounts",
    ]);
  });

  it("of single operations end once these have succeeded for a while without failing", async () => {
    const lines: string[] = [];
    const logger = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const outages = new Outages({ client, logger, deadlineMs: 1000, quietMs: 50 });
    const ask = outages.guard("test", createGuard(client, 1000));
    try {
      await admin.set("a", "string");
      for (const key of ["a", "b", "a", "b"]) await ask(() => client.llen(key)).catch(() => {});
      expect(lines).to.have.length(1);
      await eventually(async () => {
        await ask(() => client.llen("b"));
        expect(lines).to.have.length(2);
      });
      expect(lines[1]).to.include("serves the operation again");
    } finally {
      outages.close();
    }
  });
});
