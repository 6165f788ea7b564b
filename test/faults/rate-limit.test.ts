import { once } from "node:events";
import { Agent, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import express from "express";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { rateLimit, type RateLimitOptions } from "express-redis-suite/rate-limit";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels, type RateLimitEvent, type RedisBreakerEvent } from "express-redis-suite/telemetry";
import { eventually } from "../support/eventually.ts";
import { watchWithheldTime, type Withheld } from "../support/own-time.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../support/redis-server.ts";

const DEADLINE_MS = 250;
const CLIENTS = 20;
const POLICIES: readonly RateLimitPolicy[] = [
  { name: "burst", algorithm: "token-bucket", limit: 900_000, windowMs: 60_000 },
  { name: "hour", algorithm: "fixed-window", limit: 900_000, windowMs: 3_600_000 },
];
const SHARE = 90;

interface Answer {
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly status: number;
}

/** How Redis is lost, and brought back. */
interface Fault {
  lose(server: RedisServer): Promise<void>;
  /** Answers the server that is there then. */
  bringBack(server: RedisServer): Promise<RedisServer>;
}

const FAULTS: Readonly<Record<string, Fault>> = {
  frozen: {
    lose: async (server) => server.signal("SIGSTOP"),
    async bringBack(server) {
      server.signal("SIGCONT");
      return server;
    },
  },
  killed: {
    lose: (server) => server.stop(),
    bringBack: (server) => startRedisServer({ port: String(server.port) }),
  },
};

/** Each `onStoreError`, and the outcomes of requests while the store is away. */
const ANSWERS: Readonly<
  Record<string, { option: () => RateLimitOptions["onStoreError"]; outcomes: string[] }>
> = {
  allow: { option: () => "allow", outcomes: ["200 store-error-allowed"] },
  deny: { option: () => "deny", outcomes: ["503 store-error-denied"] },
  fallback: {
    option: () => ({ fallback: new MemoryRateLimitStore(), instances: 900_000 / SHARE }),
    outcomes: ["200 allowed fallback", "429 limited fallback"],
  },
};

describeWithRedisServer("a limiter under load whose Redis is", function () {
  let server: RedisServer;
  let client: RedisClient;
  let app: Server;
  let load: Load;
  let events: (RateLimitEvent & { readonly at: number })[];
  let breakerOpenAt: number;
  let withheld: Withheld;
  const listener = (event: unknown): void => {
    events.push({ ...(event as RateLimitEvent), at: performance.now() });
  };
  const breakerListener = (event: unknown): void => {
    if ((event as RedisBreakerEvent).state === "open")
      breakerOpenAt = Math.min(breakerOpenAt, performance.now());
  };

  beforeEach(async () => {
    events = [];
    breakerOpenAt = Infinity;
    withheld = watchWithheldTime();
    server = await startRedisServer();
    client = await createRedis(server.url);
    channels.rateLimit.subscribe(listener);
    channels.redisBreaker.subscribe(breakerListener);
  });
  afterEach(async () => {
    await load.stop();
    withheld.stop();
    channels.rateLimit.unsubscribe(listener);
    channels.redisBreaker.unsubscribe(breakerListener);
    app.closeAllConnections();
    app.close();
    client.disconnect();
    server.signal("SIGCONT");
    await server.stop();
  });

  async function serve(onStoreError: RateLimitOptions["onStoreError"]): Promise<number> {
    const store = new RedisRateLimitStore({ client, prefix: "faults", deadlineMs: DEADLINE_MS });
    const options = { store, policies: POLICIES, key: () => "k", ...(onStoreError ? { onStoreError } : {}) };
    app = express()
      .use(rateLimit(options))
      .use((_req, res) => void res.end())
      .listen(0, "127.0.0.1");
    await once(app, "listening");
    return (app.address() as AddressInfo).port;
  }

  for (const [fault, { lose, bringBack }] of Object.entries(FAULTS)) {
    for (const [policy, { option, outcomes }] of Object.entries(ANSWERS)) {
      it(`${fault} answers every request in time, and is back to normal soon after (${policy})`, async () => {
        load = startLoad(await serve(option()));
        await eventually(() => expect(events.length).to.be.above(100));

        const lostAt = performance.now();
        await lose(server);
        await eventually(() => expect(breakerOpenAt).to.be.finite);
        // Longer than a deadline, so that the breaker's own first question goes unanswered too.
        await pause(2 * DEADLINE_MS);
        await eventually(() => expect(awayEvents()).to.have.length.above(100));
        server = await bringBack(server);
        const backAt = performance.now();
        await eventually(() => expect(events.at(-1)).to.include({ outcome: "allowed", source: "store" }));
        expect(ownMs(backAt, performance.now()), "until the store decides again").to.be.below(2000);
        const answers = await load.stop();

        const slowest = answers
          .filter(({ sentAt }) => sentAt > lostAt - DEADLINE_MS)
          .map(({ sentAt, answeredAt }) => ownMs(sentAt, answeredAt));
        // The outage is longer; nobody has waited for its end, or for a second deadline.
        expect(Math.max(...slowest), "the slowest answer").to.be.below(2 * DEADLINE_MS);
        expect(
          median(awayEvents().map(({ durationMs }) => durationMs)),
          "what an open breaker adds",
        ).to.be.below(1);
        const statuses = new Set(answers.map(({ status }) => status));
        expect([...statuses]).to.have.members([...new Set([200, ...outcomes.map(statusOf)])]);
        expect(new Set(awayEvents().map(nameOf))).to.have.all.keys(
          ...outcomes.map((outcome) => outcome.slice(4)),
        );
        if (policy === "fallback") expectCountsOfFallback();
      });
    }
  }

  /** How long we took: clients, app and limiter are this one process. */
  function ownMs(from: number, to: number): number {
    return to - from - withheld.between(from, to);
  }

  /** Decisions while the breaker was open. */
  function awayEvents(): RateLimitEvent[] {
    return events.filter(
      ({ at, outcome, source }) =>
        at > breakerOpenAt && (source === "fallback" || outcome.startsWith("store-error")),
    );
  }

  /** Calls that the fallback decides in one turn of the event loop see the same count. */
  function expectCountsOfFallback(): void {
    const counts = events.flatMap(({ unitsInFallback }) => unitsInFallback ?? []);
    expect(counts).to.deep.equal(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).to.equal(SHARE);
    expect(events.at(-1)).to.not.have.property("unitsInFallback");
  }
});

function nameOf({ outcome, source }: RateLimitEvent): string {
  return source === "store" ? outcome : `${outcome} ${source}`;
}

function statusOf(outcome: string): number {
  return Number(outcome.slice(0, 3));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

interface Load {
  /** May be called twice. */
  stop(): Promise<Answer[]>;
}

/** Clients that ask again as soon as they are answered, until they are stopped. */
function startLoad(port: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const answers: Answer[] = [];
  const stopped = new AbortController();
  const ask = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = get({ port, host: "127.0.0.1", agent }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode ?? 0));
      });
      sent.once("error", reject);
    });
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!stopped.signal.aborted) {
      const sentAt = performance.now();
      const status = await ask();
      answers.push({ sentAt, answeredAt: performance.now(), status });
      await pause(5);
    }
  });
  return {
    async stop() {
      stopped.abort();
      await Promise.all(clients);
      agent.destroy();
      return answers;
    },
  };
}
