import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { createGuard, createRedis, type RedisClient } from "express-redis-suite/redis";
import { redisStores, type RedisStores } from "express-redis-suite/stores";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { channels, type RedisBreakerEvent } from "express-redis-suite/telemetry";
import { startCluster, type RedisCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { startStopwatch } from "../../support/own-time.ts";
import { describeWithRedisServer, type RedisServer } from "../../support/redis-server.ts";

const POLICIES = policySet([
  {
    name: "p",
    algorithm: "fixed-window",
    limit: 1_000_000_000,
    windowMs: 60_000,
  },
]);
const IDS = Array.from({ length: 60 }, (_, at) => `id ${at}`);
const DEADLINE_MS = 500;

describeWithRedisServer("the breakers of a Cluster", () => {
  let cluster: RedisCluster;
  let frozen: RedisServer;
  let client: RedisClient;
  let stores: RedisStores;
  /** Ids whose slots the master that freezes serves, and the others. */
  let onFrozen: string[];
  let onHealthy: string[];
  let states: string[];
  let load: Load | undefined;
  const note = (event: unknown): void => {
    const { client: name, state } = event as RedisBreakerEvent;
    if (name === "three-masters") states.push(state);
  };

  beforeEach(async function () {
    this.timeout(60_000);
    cluster = await startCluster();
    frozen = cluster.masters[0] as RedisServer;
    client = await createRedis(cluster.url, { name: "three-masters", commandTimeoutMs: 3000 });
    stores = redisStores(client, { prefix: "app", deadlineMs: DEADLINE_MS });
    const ports = await Promise.all(IDS.map((id) => portOf(client, `app:{${id}}`)));
    onFrozen = IDS.filter((_, at) => ports[at] === frozen.port);
    onHealthy = IDS.filter((_, at) => ports[at] !== frozen.port);
    states = [];
    channels.redisBreaker.subscribe(note);
  });
  afterEach(async () => {
    await load?.stop();
    load = undefined;
    channels.redisBreaker.unsubscribe(note);
    client.disconnect();
    await cluster.stop();
  });

  const consume = (id: string): Promise<unknown> => stores.rateLimit.consume(id, POLICIES, 1);

  it("refuse the slots of a frozen master alone, and no decision for the others", async function () {
    this.timeout(20_000);
    await Promise.all(IDS.map(consume));
    load = startLoad(onHealthy, consume);
    frozen.signal("SIGSTOP");
    const first = await Promise.allSettled(onFrozen.map(consume));
    expect(new Set(reasons(first).map(({ constructor }) => constructor))).to.deep.equal(
      new Set([StoreTimeoutError]),
    );
    for (let round = 0; round < 20; round++) {
      const watch = startStopwatch();
      const refused = await Promise.allSettled(onFrozen.map(consume));
      expect(reasons(refused)).to.have.length(onFrozen.length);
      for (const error of reasons(refused)) expect(error).to.be.instanceOf(StoreUnavailableError);
      expect(watch.ownMs()).to.be.below(DEADLINE_MS / 2);
      await pause(20);
    }
    const { served, failed } = await load.stop();
    expect(failed).to.deep.equal([]);
    expect(served).to.be.above(100);
    expect(states).to.deep.equal(["open"]);

    frozen.signal("SIGCONT");
    await eventually(() => expect(states).to.deep.equal(["open", "closed"]), 8000);
    await Promise.all(IDS.map(consume));
  });

  it("tell which master a cached value and a lock are on", async () => {
    await Promise.all(onFrozen.slice(0, 1).concat(onHealthy).map(consume));
    const [lost = ""] = onFrozen;
    frozen.signal("SIGSTOP");
    await consume(lost).catch(() => {});
    expect(await stores.cache.get(lost).catch((error: unknown) => error)).to.be.instanceOf(
      StoreUnavailableError,
    );
    for (const id of onHealthy) expect(await stores.cache.get(id)).to.equal(undefined);
  });

  it("hold for commands of your own, by the key that the guard is given", async () => {
    const guard = createGuard(client, DEADLINE_MS);
    const get = (id: string): Promise<unknown> => guard(() => client.get(`app:{${id}}`), `app:{${id}}`);
    const [lost = ""] = onFrozen;
    frozen.signal("SIGSTOP");
    expect(await get(lost).catch((error: unknown) => error)).to.be.instanceOf(StoreTimeoutError);
    expect(await get(lost).catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailableError);
    for (const id of onHealthy) expect(await get(id)).to.equal(null);
  });

  it("refuse a guard's calls without a key until every master says PONG, and those with a key go on", async function () {
    this.timeout(20_000);
    const guard = createGuard(client, DEADLINE_MS);
    const [lost = ""] = onFrozen;
    const [well = ""] = onHealthy;
    frozen.signal("SIGSTOP");
    expect(await guard(() => client.get(`app:{${lost}}`)).catch((error: unknown) => error)).to.be.instanceOf(
      StoreTimeoutError,
    );
    for (let time = 0; time < 50; time++) {
      await turn();
      const failure = await guard(() => client.get(`app:{${well}}`)).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(StoreUnavailableError);
      expect(await guard(() => client.get(`app:{${well}}`), `app:{${well}}`)).to.equal(null);
    }
    frozen.signal("SIGCONT");
    await eventually(() => guard(() => client.get(`app:{${well}}`)), 8000);
    expect(states).to.deep.equal(["open", "closed"]);
  });

  it("follow a slot to the replica that has taken it over", async function () {
    this.timeout(30_000);
    const replica = await cluster.addReplica(frozen);
    await Promise.all(IDS.map(consume));
    frozen.signal("SIGSTOP");
    await Promise.allSettled(onFrozen.map(consume));
    expect(states).to.deep.equal(["open"]);
    await replica.takeOver();
    // Sooner than the slots are asked for without need, every ten seconds.
    await eventually(() => Promise.all(IDS.map(consume)), 8000);
    await eventually(() => expect(states.at(-1)).to.equal("closed"), 8000);
  });
});

async function portOf(client: RedisClient, key: string): Promise<number> {
  if (!("slots" in client)) throw new TypeError("needs a Cluster");
  const [node = ""] = client.slots[await client.cluster("KEYSLOT", key)] ?? [];
  return Number(node.split(":").at(-1));
}

function reasons(results: readonly PromiseSettledResult<unknown>[]): Error[] {
  return results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []));
}

interface Load {
  stop(): Promise<{ served: number; failed: string[] }>;
}

/** Asks for all ids again and again, four at a time. */
function startLoad(ids: readonly string[], ask: (id: string) => Promise<unknown>): Load {
  const end = new AbortController();
  let served = 0;
  const failed: string[] = [];
  const worker = async (): Promise<void> => {
    for (let at = 0; !end.signal.aborted; at++) {
      await ask(ids[at % ids.length] ?? "").then(
        () => (served += 1),
        (error: unknown) => failed.push(String(error)),
      );
      await turn();
    }
  };
  const workers = Array.from({ length: 4 }, worker);
  return {
    async stop() {
      end.abort();
      await Promise.all(workers);
      return { served, failed };
    },
  };
}
