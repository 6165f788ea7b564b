import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RedisOptions } from "ioredis";
import { close, createRedis, defineScript, type RedisClient } from "express-redis-suite/redis";
import { eventually } from "../../support/eventually.ts";
import { redis, redisUrl } from "../../support/shared-redis.ts";
import { closeAllMetrics, labelValues, scrape, testMetrics, valueOf } from "./metrics-app.ts";

const double = defineScript<[number], number>("test.double", 1, "return 2 * ARGV[1]");

describe("the metrics of Redis commands", () => {
  let own: RedisClient | undefined;

  afterEach(async () => {
    closeAllMetrics();
    if (own) await close(own);
    own = undefined;
  });

  it("time a command until its reply has come", async () => {
    const metrics = testMetrics();
    own = await createRedis(redisUrl());
    await own.client("PAUSE", 60_000, "WRITE");
    const written = redis().set("key", "value");
    await pause(60);
    await own.client("UNPAUSE");
    await written;
    const text = await scrape(metrics);
    const seconds = valueOf(text, 'redis_request_duration_seconds_sum{operation="set"}');
    expect(seconds).to.be.at.least(0.05);
  });

  it("count each command once", async () => {
    const metrics = testMetrics();
    await redis().set("key", "value");
    await Promise.all([redis().get("key"), redis().get("key"), redis().get("other")]);
    const text = await scrape(metrics);
    expect(valueOf(text, 'redis_requests_total{operation="get",status="ok"}')).to.equal(3);
    expect(valueOf(text, 'redis_request_duration_seconds_count{operation="get"}')).to.equal(3);
    expect(valueOf(text, "redis_requests_in_flight")).to.equal(0);
  });

  it("call a script of the suite by its name, also at its first run", async () => {
    const metrics = testMetrics();
    expect(await double.run(redis(), ["k"], [21])).to.equal(42);
    expect(await double.run(redis(), ["k"], [4])).to.equal(8);
    const text = await scrape(metrics);
    expect(valueOf(text, 'redis_requests_total{operation="test.double",status="ok"}')).to.equal(1);
    // The server did not know it yet: its text was sent instead.
    expect(valueOf(text, 'redis_requests_total{operation="test.double",status="NOSCRIPT"}')).to.equal(1);
    expect(valueOf(text, 'redis_requests_total{operation="eval",status="ok"}')).to.equal(1);
  });

  it("call a script that is not the suite's evalsha", async () => {
    const metrics = testMetrics();
    const sha = (await redis().script("LOAD", "return 1")) as string;
    await redis().evalsha(sha, 0);
    expect(valueOf(await scrape(metrics), 'redis_requests_total{operation="evalsha",status="ok"}')).to.equal(
      1,
    );
  });

  it("tell failures apart by Redis's word for them, and unknown words as other", async () => {
    const metrics = testMetrics();
    await redis().set("text", "abc");
    await failureOf(redis().lpush("text", "x"));
    await failureOf(redis().incr("text"));
    await failureOf(redis().eval("return redis.error_reply('MYOWN trouble')", 0));
    const text = await scrape(metrics);
    expect(valueOf(text, 'redis_requests_total{operation="lpush",status="WRONGTYPE"}')).to.equal(1);
    expect(valueOf(text, 'redis_requests_total{operation="incr",status="ERR"}')).to.equal(1);
    expect(valueOf(text, 'redis_requests_total{operation="eval",status="other"}')).to.equal(1);
  });

  it("count a command that the client gave up as a timeout", async () => {
    own = await createRedis(redisUrl());
    // From here on: the connection itself may take longer on a busy machine.
    (own.options as RedisOptions).commandTimeout = 50;
    const metrics = testMetrics();
    await failureOf(own.blpop("nothing-comes", 0.2));
    const text = await scrape(metrics);
    expect(valueOf(text, 'redis_requests_total{operation="blpop",status="timeout"}')).to.equal(1);
  });

  it("leave out what ioredis says by itself on a new connection", async () => {
    const metrics = testMetrics();
    own = await createRedis(`${redisUrl()}/1`);
    own.disconnect(true);
    const client = own;
    await eventually(async () => expect(await client.echo("back")).to.equal("back"));
    const text = await scrape(metrics);
    expect(labelValues(text, "redis_requests_total", "operation")).to.deep.equal(["echo", "ping"]);
    expect(valueOf(text, 'redis_connect_duration_seconds_count{status="ok"}')).to.equal(2);
  });

  it("keep the time of blocking commands out of the latency", async () => {
    const metrics = testMetrics();
    await redis().blpop("nothing-comes", 0.05);
    const text = await scrape(metrics);
    expect(valueOf(text, 'redis_requests_total{operation="blpop",status="ok"}')).to.equal(1);
    expect(labelValues(text, "redis_request_duration_seconds_count", "operation")).to.deep.equal([]);
  });

  it("do not make a label of a made-up command", async () => {
    const metrics = testMetrics();
    for (let at = 0; at < 20; at++) await failureOf(redis().call(`made-up-${at}`));
    await redis().call("ECHO", "shouted");
    const text = await scrape(metrics);
    expect(labelValues(text, "redis_requests_total", "operation")).to.deep.equal(["echo", "other"]);
    expect(valueOf(text, 'redis_requests_total{operation="other",status="ERR"}')).to.equal(20);
  });
});

async function failureOf(command: Promise<unknown>): Promise<void> {
  const error = await command.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).to.be.instanceOf(Error);
}
