import { expect } from "chai";
import { close, createRedis, health, type RedisClient } from "express-redis-suite/redis";
import { redisStores } from "express-redis-suite/stores";
import { RedisConnectError } from "express-redis-suite/stores/errors";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, freePort } from "../../support/redis-server.ts";
import { startSentinelSetup, type SentinelSetup } from "../../support/sentinel.ts";

describeWithRedisServer("createRedis with a Sentinel URL", () => {
  let setup: SentinelSetup;
  let client: RedisClient;
  before(async function () {
    this.timeout(20_000);
    setup = await startSentinelSetup();
    client = await createRedis(setup.url, { name: "through-sentinels" });
  });
  after(async () => {
    client.disconnect();
    await setup.stop();
  });

  it("connects to the master", async () => {
    expect(await client.role()).to.deep.include("master");
    expect(await client.client("GETNAME")).to.equal("through-sentinels");
    expect((await health(client)).up).to.equal(true);
  });

  it("uses the database of the URL", async () => {
    const second = await createRedis(`${setup.url}/2`);
    await second.set("only", "in two");
    expect(await client.exists("only")).to.equal(0);
    await close(second);
  });

  it("finds the master when the first sentinel of the URL is away", async () => {
    const dead = await freePort();
    const withDead = await createRedis(setup.url.replace("://", `://127.0.0.1:${dead},`), {
      connectTimeoutMs: 3000,
    });
    expect(await withDead.ping()).to.equal("PONG");
    await close(withDead);
  });

  it("rejects a master that the sentinels do not know, and sentinels that do not answer", async () => {
    const dead = await freePort();
    for (const url of [
      setup.url.replace("mymaster", "other"),
      `redis+sentinel://127.0.0.1:${dead}/mymaster`,
    ]) {
      const failure: unknown = await createRedis(url, { connectTimeoutMs: 500 }).catch(
        (error: unknown) => error,
      );
      expect(failure).to.be.instanceOf(RedisConnectError);
      expect(String(failure)).to.include("no Redis at 127.0.0.1:").and.include("sentinels are unreachable");
    }
  });

  for (const [what, signal] of [
    ["crash", "SIGKILL"],
    ["freezing", "SIGSTOP"],
  ] as const) {
    it(`serves the stores again within ten seconds of the master's ${what}, from the replica`, async function () {
      this.timeout(30_000);
      // The first test of a failover takes the setup that is there, the second needs a new one.
      if (signal === "SIGSTOP") await renew();
      const { cache, locks } = redisStores(client, { prefix: "app" });
      await cache.set("k", Buffer.from("replicated"), 600_000);
      expect(await client.wait(1, 900)).to.equal(1);
      setup.master.signal(signal);
      const startedAt = performance.now();
      await eventually(() => cache.set("other", Buffer.from("to the new master"), 600_000), 10_000);
      await eventually(async () => expect(String(await cache.get("k"))).to.equal("replicated"), 1000);
      expect(performance.now() - startedAt).to.be.below(10_000);
      expect((await client.info("server")).includes(`tcp_port:${setup.replica.port}`)).to.equal(true);
      expect((await locks.tryAcquire("k", { ttlMs: 1000 })).acquired).to.equal(true);
    });
  }

  async function renew(): Promise<void> {
    client.disconnect();
    await setup.stop();
    setup = await startSentinelSetup();
    // Without a timeout of the socket only the sentinels can tell that a frozen master is one no more.
    client = await createRedis(setup.url, { socketTimeoutMs: 60_000 });
  }
});
