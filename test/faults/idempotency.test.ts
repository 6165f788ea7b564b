import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import express, { type Express } from "express";
import { idempotency } from "express-redis-suite/idempotency";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisIdempotencyStore } from "express-redis-suite/stores/idempotency/redis";
import { channels, type IdempotencyEvent } from "express-redis-suite/telemetry";
import request from "supertest";
import { eventually } from "../support/eventually.ts";
import { createGate, type Gate } from "../support/gate.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../support/redis-server.ts";
import { receiveFrom, type Received } from "../middleware/response/served.ts";

const script = fileURLToPath(new URL("idempotent-process.ts", import.meta.url));
const LOCK_MS = 500;
const LONG_MS = 60_000;

describeWithRedisServer("idempotency", () => {
  let server: RedisServer;
  let client: RedisClient;
  let outcomes: string[];
  let gate: Gate;
  let runs: number;
  const listener = ({ outcome }: IdempotencyEvent): void => void outcomes.push(outcome);

  beforeEach(async () => {
    outcomes = [];
    gate = createGate();
    runs = 0;
    server = await startRedisServer();
    client = await createRedis(server.url, { maxReconnectDelayMs: 20 });
    channels.idempotency.subscribe(listener);
  });
  afterEach(async () => {
    channels.idempotency.unsubscribe(listener);
    client.disconnect();
    server.signal("SIGCONT");
    await server.stop();
  });

  const appOf = (lockMs: number): Express => {
    const store = new RedisIdempotencyStore({ client, prefix: "faults" });
    const app = express().set("env", "test").use(express.json());
    return app.post("/", idempotency({ store, scope: () => "", lockMs }), async (_req, res) => {
      runs += 1;
      const run = runs;
      if (run === 1) await gate.pass();
      res.send(`run ${run}`);
    });
  };
  const post = (app: Express): request.Test => request(app).post("/").set("Idempotency-Key", "a");

  const losses: Record<string, { lose: () => Promise<unknown>; bringBack: () => Promise<unknown> }> = {
    frozen: {
      lose: async () => server.signal("SIGSTOP"),
      bringBack: async () => server.signal("SIGCONT"),
    },
    "killed, and back without its data": {
      lose: () => server.stop(),
      bringBack: async () => (server = await startRedisServer({ port: String(server.port) })),
    },
    full: {
      lose: async () => {
        await client.config("SET", "maxmemory-policy", "noeviction");
        await client.config("SET", "maxmemory", "1");
      },
      bringBack: () => client.config("SET", "maxmemory", "0"),
    },
  };
  for (const [loss, { lose, bringBack }] of Object.entries(losses)) {
    it(`over a Redis that is ${loss} while the work is done, sends the answer, and gives it to the retry later`, async () => {
      const app = appOf(LONG_MS);
      const first = post(app).then();
      await gate.reached;
      await lose();
      gate.open();
      expect([(await first).status, (await first).text]).to.deep.equal([200, "run 1"]);
      expect(outcomes).to.deep.equal(["record-failed"]);
      // What begins meanwhile is refused, and runs nothing.
      if (loss !== "full") expect((await post(app)).status).to.equal(503);
      await bringBack();
      // Of a server that has lost its data nobody may ask before: it would begin anew.
      await eventually(async () => expect(await client.dbsize()).to.equal(1));
      await eventually(async () => {
        const retry = await post(app);
        expect([retry.text, retry.get("Idempotency-Replayed")]).to.deep.equal(["run 1", "true"]);
      });
      expect(runs).to.equal(1);
    }).timeout(30_000);
  }

  it("keeps the answer of work during which Redis was emptied", async () => {
    const app = appOf(LONG_MS);
    const first = post(app).then();
    await gate.reached;
    await client.flushall();
    gate.open();
    expect((await first).text).to.equal("run 1");
    expect([(await post(app)).text, outcomes]).to.deep.equal(["run 1", ["recorded", "replayed"]]);
  });

  it("takes the key anew where Redis was emptied, while the work goes on", async () => {
    const app = appOf(LOCK_MS);
    const first = post(app).then();
    await gate.reached;
    await client.flushall();
    await eventually(async () => expect(await client.dbsize()).to.equal(1));
    expect((await post(app)).status).to.equal(409);
    gate.open();
    expect([(await first).text, (await post(app)).text, runs]).to.deep.equal(["run 1", "run 1", 1]);
  });

  describe("whose process", () => {
    let child: ChildProcess;
    let port: number;
    beforeEach(async function () {
      this.timeout(60_000);
      child = fork(script, [server.url, String(LOCK_MS)]);
      [port] = (await once(child, "message")) as [number];
    });
    afterEach(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    });

    const beginInChild = async (): Promise<{ answer: Promise<Received> }> => {
      const atWork = once(child, "message");
      const answer = receiveFrom(port, { method: "POST", headers: { "Idempotency-Key": "a" } });
      await atWork;
      expect((await post(appOf(LOCK_MS))).status).to.equal(409);
      return { answer };
    };
    const takeOver = async (app: Express): Promise<void> => {
      gate.open();
      await eventually(async () => {
        const { status, text } = await post(app);
        expect([status, text]).to.deep.equal([200, "run 1"]);
      });
    };

    it("is killed in the middle of its work frees the key, and a retry runs and is kept", async () => {
      const { answer } = await beginInChild();
      child.kill("SIGKILL");
      expect((await answer).status).to.equal(0);
      const app = appOf(LOCK_MS);
      await takeOver(app);
      expect((await post(app)).get("Idempotency-Replayed")).to.equal("true");
      expect(runs).to.equal(1);
    }).timeout(30_000);

    it("stands still and comes back late does not overwrite the answer of whoever took over", async () => {
      const { answer } = await beginInChild();
      child.kill("SIGSTOP");
      const app = appOf(LOCK_MS);
      await takeOver(app);
      child.kill("SIGCONT");
      child.send("go on");
      expect((await answer).text).to.equal("of the first process");
      for (let sent = 0; sent < 2; sent++) expect((await post(app)).text).to.equal("run 1");
      expect(runs).to.equal(1);
    }).timeout(30_000);
  });
});
