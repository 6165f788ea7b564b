import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import {
  close,
  createRedis,
  health,
  type CreateRedisOptions,
  type RedisClient,
} from "express-redis-suite/redis";
import { redisStores } from "express-redis-suite/stores";
import { RedisConnectError } from "express-redis-suite/stores/errors";
import type { Redis } from "ioredis";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, freePort } from "../../support/redis-server.ts";
import { startSentinelSetup, type SentinelSetup } from "../../support/sentinel.ts";

describeWithRedisServer("createRedis with a Sentinel URL", () => {
  let setup: SentinelSetup;
  let client: RedisClient;
  before(async function () {
    this.timeout(60_000);
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

  it("prints nothing about a sentinel that is away", async () => {
    const printed: unknown[] = [];
    const { write } = process.stderr;
    process.stderr.write = (text: unknown) => Boolean(printed.push(text));
    try {
      const dead = await freePort();
      const watching = await createRedis(setup.url.replace("/mymaster", `,127.0.0.1:${dead}/mymaster`));
      await pause(100);
      await close(watching);
    } finally {
      process.stderr.write = write;
    }
    expect(printed).to.deep.equal([]);
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

  it("stays ended when its owner ends it while it looks for the master", async () => {
    const brief = (await createRedis(setup.url, { connectTimeoutMs: 300 })) as Redis;
    setup.sentinels[0]?.signal("SIGSTOP");
    try {
      brief.disconnect(true);
      await eventually(() => expect(brief.status).to.equal("connecting"));
      brief.disconnect();
      await eventually(() => expect(brief.status).to.equal("end"));
      await pause(50);
      expect(brief.status).to.equal("end");
    } finally {
      setup.sentinels[0]?.signal("SIGCONT");
    }
  });

  for (const [what, signal] of [
    ["crash", "SIGKILL"],
    ["freezing", "SIGSTOP"],
  ] as const) {
    it(`serves the stores from the replica once the sentinels have seen the master's ${what}`, async function () {
      this.timeout(40_000);
      // The first test of a failover takes the setup that is there, the second needs a new one.
      // Without a timeout of the socket only the sentinels can tell that a frozen master is one no more.
      if (signal === "SIGSTOP") await renew({ commandTimeoutMs: 12_000 });
      await replicate();
      setup.master.signal(signal);
      await expectReplicaServes();
      const { locks } = redisStores(client, { prefix: "app" });
      expect((await locks.tryAcquire("k", { ttlMs: 1000 })).acquired).to.equal(true);
    });
  }

  it("serves the stores from the replica when the sentinel that it asks has frozen with the master", async function () {
    this.timeout(40_000);
    await renew();
    await replicate();
    // The one that is asked first; while its answer is awaited the news of the others come.
    setup.sentinels[0]?.signal("SIGSTOP");
    setup.master.signal("SIGKILL");
    await expectReplicaServes();
  });

  async function replicate(): Promise<void> {
    const { cache } = redisStores(client, { prefix: "app" });
    await cache.set("k", Buffer.from("replicated"), 600_000);
    expect(await client.wait(1, 900)).to.equal(1);
  }

  async function expectReplicaServes(): Promise<void> {
    const { cache } = redisStores(client, { prefix: "app" });
    await setup.failover();
    await eventually(() => cache.set("other", Buffer.from("to the new master"), 600_000));
    await eventually(async () => expect(String(await cache.get("k"))).to.equal("replicated"));
    expect((await client.info("server")).includes(`tcp_port:${setup.replica.port}`)).to.equal(true);
  }

  async function renew(options?: CreateRedisOptions): Promise<void> {
    client.disconnect();
    await setup.stop();
    setup = await startSentinelSetup();
    client = await createRedis(setup.url, options);
  }
});
