import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { sharedCluster } from "../../support/cluster.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { startStopwatch } from "../../support/own-time.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { redis } from "../../support/shared-redis.ts";
import { closeAllMetrics, labelValues, scrape, testMetrics, valueOf } from "./metrics-app.ts";

describe("the metrics of a Redis server", () => {
  afterEach(closeAllMetrics);

  it("come from one INFO per scrape", async () => {
    const metrics = testMetrics();
    const counts = await countCommands(redis(), () => scrape(metrics));
    expect(counts.get("info")).to.equal(1);
  });

  it("show what INFO says, counters as counters", async () => {
    const metrics = testMetrics();
    await redis().set("here", 1);
    const before = await scrape(metrics);
    await redis().get("here");
    await redis().get("not-here");
    const after = await scrape(metrics);
    const grew = (series: string): number =>
      (valueOf(after, series) ?? NaN) - (valueOf(before, series) ?? NaN);
    expect(valueOf(after, 'redis_up{client="main"}')).to.equal(1);
    expect(valueOf(after, 'redis_keys{client="main"}')).to.equal(1);
    expect(valueOf(after, 'redis_memory_used_bytes{client="main"}')).to.be.above(100_000);
    expect(grew('redis_keyspace_hits_total{client="main"}')).to.equal(1);
    expect(grew('redis_keyspace_misses_total{client="main"}')).to.equal(1);
    expect(grew('redis_commands_processed_total{client="main"}')).to.be.within(3, 4);
    expect(after).to.match(/^# TYPE redis_keyspace_hits_total counter$/m);
    expect(valueOf(after, 'redis_client_state{client="main",state="ready"}')).to.equal(1);
    expect(valueOf(after, 'redis_client_state{client="main",state="end"}')).to.equal(0);
  });

  it("show a memory limit only where there is one", async () => {
    const metrics = testMetrics();
    const [, before = "0"] = await redis().config("GET", "maxmemory");
    try {
      await redis().config("SET", "maxmemory", "0");
      expect(labelValues(await scrape(metrics), "redis_memory_max_bytes", "client")).to.deep.equal([]);
      await redis().config("SET", "maxmemory", "64mb");
      expect(valueOf(await scrape(metrics), 'redis_memory_max_bytes{client="main"}')).to.equal(64 * 2 ** 20);
    } finally {
      await redis().config("SET", "maxmemory", before);
    }
  });
});

describeWithRedisServer("the metrics of a Redis server that goes away", () => {
  let server: RedisServer;
  let client: RedisClient;

  before(async () => {
    server = await startRedisServer();
    client = await createRedis(server.url, { name: "away", commandTimeoutMs: 5000 });
  });

  afterEach(closeAllMetrics);

  after(async () => {
    await close(client);
    await server.stop();
  });

  it("answer a scrape within 750 ms while it is frozen, with redis_up 0 and nothing stale", async () => {
    const metrics = testMetrics({ clients: { main: redis(), frozen: client } });
    expect(valueOf(await scrape(metrics), 'redis_up{client="frozen"}')).to.equal(1);
    const asked = await infoCalls(client);
    server.signal("SIGSTOP");
    try {
      for (let scrapes = 0; scrapes < 2; scrapes++) {
        const watch = startStopwatch();
        const text = await scrape(metrics);
        expect(watch.ownMs()).to.be.below(750);
        expect(valueOf(text, 'redis_up{client="frozen"}')).to.equal(0);
        expect(valueOf(text, 'redis_up{client="main"}')).to.equal(1);
        expect(labelValues(text, "redis_memory_used_bytes", "client")).to.deep.equal(["main"]);
        expect(labelValues(text, "redis_keyspace_hits_total", "client")).to.deep.equal(["main"]);
      }
    } finally {
      server.signal("SIGCONT");
    }
    // One of them asks how many there were; both scrapes together sent the other.
    expect((await infoCalls(client)) - asked).to.equal(2);
    await eventually(async () => {
      expect(valueOf(await scrape(metrics), 'redis_up{client="frozen"}')).to.equal(1);
    });
  });

  it("answer at once while the client has no connection", async () => {
    const gone = await createRedis(server.url, { name: "gone" });
    const metrics = testMetrics({ clients: { gone } });
    gone.disconnect();
    await eventually(() => expect(gone.status).to.equal("end"));
    const watch = startStopwatch();
    const text = await scrape(metrics);
    expect(watch.ownMs()).to.be.below(200);
    expect(valueOf(text, 'redis_up{client="gone"}')).to.equal(0);
    expect(valueOf(text, 'redis_client_state{client="gone",state="end"}')).to.equal(1);
  });
});

async function infoCalls(client: RedisClient): Promise<number> {
  return Number(/^cmdstat_info:calls=(\d+)/m.exec(await client.info("commandstats"))?.[1]);
}

describeWithRedisServer("the metrics of a Redis Cluster", () => {
  afterEach(closeAllMetrics);

  it("are sums over its masters, and absent while one of them is away", async function () {
    this.timeout(60_000);
    const cluster = await sharedCluster();
    await cluster.flush();
    const client = await createRedis(cluster.url);
    const metrics = testMetrics({ clients: { main: client } });
    try {
      await Promise.all(Array.from({ length: 30 }, (_, at) => client.set(`key-${at}`, at)));
      const whole = await scrape(metrics);
      expect(valueOf(whole, 'redis_up{client="main"}')).to.equal(1);
      expect(valueOf(whole, 'redis_keys{client="main"}')).to.equal(30);

      cluster.masters[1]?.signal("SIGSTOP");
      const partial = await scrape(metrics);
      expect(valueOf(partial, 'redis_up{client="main"}')).to.equal(0);
      expect(valueOf(partial, 'redis_keys{client="main"}')).to.equal(undefined);
    } finally {
      cluster.masters[1]?.signal("SIGCONT");
      await close(client);
    }
  });
});
