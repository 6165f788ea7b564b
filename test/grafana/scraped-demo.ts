import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { close, createRedis } from "express-redis-suite/redis";
import { startRedisServer, type RedisServer } from "../support/redis-server.ts";

export interface ScrapedDemo {
  /** Host and port, for Prometheus. */
  readonly address: string;
  /** Lets no further request out, and answers how many responses of each status there were. */
  endTraffic(): Promise<ReadonlyMap<number, number>>;
  stop(): Promise<void>;
}

/**
 * Starts the demo as a process of its own on a Redis of its own, and sends it requests until `endTraffic`: hits and
 * misses, limits, locks, logins, mistakes, and every few seconds a Redis that stands still and drops its clients.
 */
export async function startScrapedDemo(): Promise<ScrapedDemo> {
  const redis = await startRedisServer({ maxmemory: "256mb" });
  try {
    const demo = await startDemo(redis.url);
    const traffic = sendTraffic(demo.url, redis);
    return {
      address: new URL(demo.url).host,
      endTraffic: traffic.end,
      async stop() {
        try {
          await traffic.end();
        } finally {
          await demo.stop();
          await redis.stop();
        }
      },
    };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}

async function startDemo(redisUrl: string): Promise<{ url: string; stop(): Promise<void> }> {
  const args = ["--import", "tsx", "--conditions=@express-redis-suite/source", "demo-app/main.ts"];
  const env = {
    ...process.env,
    PORT: "0",
    HOST: "",
    REDIS_URL: redisUrl,
    SESSION_SECRET: "",
    LOG_LEVEL: "fatal",
  };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  // Whatever ends this process, short of a SIGKILL, ends the demo too.
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  let output = "";
  const url = new Promise<string>((resolve) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
  });
  const ended = once(child, "exit").then(() => Promise.reject(new Error(`the demo ended: ${output}`)));
  ended.catch(() => {});
  return {
    url: await Promise.race([url, ended]),
    async stop() {
      process.off("exit", killWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

function sendTraffic(url: string, redis: RedisServer): { end(): Promise<ReadonlyMap<number, number>> } {
  const statuses = new Map<number, number>();
  const stopping = new AbortController();
  const count = (status: number): void => void statuses.set(status, (statuses.get(status) ?? 0) + 1);
  const send: Send = async (method, path, { cookie = "", body, key } = {}) => {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const keyed = key === undefined ? {} : { "idempotency-key": key };
    const options = {
      method,
      headers: { cookie, ...json, ...keyed },
      ...(body ? { body: JSON.stringify(body) } : {}),
    };
    try {
      const response = await fetch(url + path, options);
      await response.arrayBuffer();
      count(response.status);
      return response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    } catch {
      // No response is the test's to judge: no status of the demo's own is 0.
      count(0);
      return cookie;
    }
  };
  const work = async (): Promise<void> => {
    const player = { username: "traffic", password: "a password of the test's" };
    let cookie = "";
    // On a busy machine the demo's deadline may pass; without a login there are no locks to see.
    while (cookie === "" && !stopping.signal.aborted) {
      cookie = await send("POST", "/register", { body: player });
      if (cookie === "") cookie = await send("POST", "/login", { body: player });
    }
    const jobs: Promise<unknown>[] = [];
    for (let round = 1; !stopping.signal.aborted; round++) {
      await visit(send, cookie);
      // The second one comes while the first is running.
      if (round % 4 === 1)
        jobs.push(send("POST", "/process", { cookie }), send("POST", "/process", { cookie }));
      if (round % 12 === 8) await trouble(redis, () => visit(send, cookie));
      await pause(250);
    }
    await Promise.all(jobs);
  };
  const done = work();
  // Whoever ends the traffic hears of it; until then it is nobody's.
  done.catch(() => {});
  return {
    async end() {
      stopping.abort();
      await done;
      return statuses;
    },
  };
}

type Send = (
  method: string,
  path: string,
  options?: { readonly cookie?: string; readonly body?: unknown; readonly key?: string },
) => Promise<string>;

/** What a few clients do in a moment; some of it is refused. */
async function visit(send: Send, cookie: string): Promise<void> {
  const score = { cookie, body: { player_id: "traffic", score: 7 } };
  await Promise.all([
    send("GET", "/leaderboard?board=English%20Premier%20League%202015-16"),
    send("GET", "/leaderboard?board=English%20Premier%20League%202015-16&n=5"),
    send("HEAD", "/leaderboard"),
    send("GET", "/rank/Leicester%20City?board=English%20Premier%20League%202015-16"),
    send("GET", "/nothing-here"),
    send("GET", "/profile", { cookie }),
    send("GET", "/profile", { cookie: "sid=s%3Aguessed.signature" }),
    send("POST", "/login", { body: { username: "traffic", password: "a wrong one" } }),
    ...Array.from({ length: 2 }, () => send("POST", "/score", score)),
    send("POST", "/score", { ...score, key: "one-of-the-traffic" }),
  ]);
}

/** Redis stands still for longer than the demo's client waits for a command, and then closes its connections. */
async function trouble(redis: RedisServer, meanwhile: () => Promise<void>): Promise<void> {
  redis.signal("SIGSTOP");
  try {
    await meanwhile();
    await pause(1100);
  } finally {
    redis.signal("SIGCONT");
  }
  const client = await createRedis(redis.url);
  await client.call("CLIENT", "KILL", "TYPE", "normal");
  await close(client);
}
