import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { expect } from "chai";
import express, { type Express } from "express";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { session } from "express-redis-suite/session";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { receiveFrom, type Received } from "../middleware/response/served.ts";
import { eventually } from "../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../support/redis-server.ts";

const CLIENTS = 20;

/** Each POST claims that the session holds one more. */
function appOf(client: RedisClient): Express {
  const store = new RedisSessionStore({ client, prefix: "faults" });
  const app = express()
    .set("env", "test")
    .use(session({ store, secret: "a test's" }));
  app.post("/", (req, res) => {
    const values = req.session as unknown as { count?: number };
    values.count = (values.count ?? 0) + 1;
    res.json({ count: values.count });
  });
  return app.get("/", (req, res) => void res.json({ count: (req.session as { count?: number }).count ?? 0 }));
}

const cookieOf = ({ headers }: Received): string => headers["set-cookie"]?.[0]?.split(";")[0] ?? "";

describeWithRedisServer("sessions under load", () => {
  let server: RedisServer;
  let client: RedisClient;
  let http: Server;
  let port: number;

  beforeEach(async () => {
    server = await startRedisServer();
    client = await createRedis(server.url, { maxReconnectDelayMs: 20 });
    http = createServer(appOf(client)).listen(0, "127.0.0.1");
    await once(http, "listening");
    port = (http.address() as AddressInfo).port;
  });
  afterEach(async () => {
    http.closeAllConnections();
    http.close();
    client.disconnect();
    server.signal("SIGCONT");
    await server.stop();
  });

  const ask = (method: string, cookie: string): Promise<Received> =>
    receiveFrom(port, { method, headers: cookie ? { cookie } : {} });

  const losses: Record<
    string,
    { lose: () => Promise<unknown>; bringBack: () => Promise<unknown>; keeps: boolean }
  > = {
    frozen: {
      lose: async () => server.signal("SIGSTOP"),
      bringBack: async () => server.signal("SIGCONT"),
      keeps: true,
    },
    full: {
      lose: async () => {
        await client.config("SET", "maxmemory-policy", "noeviction");
        await client.config("SET", "maxmemory", "1");
      },
      bringBack: () => client.config("SET", "maxmemory", "0"),
      keeps: true,
    },
    killed: {
      lose: () => server.stop(),
      bringBack: async () => (server = await startRedisServer({ port: String(server.port) })),
      keeps: false,
    },
  };
  for (const [loss, { lose, bringBack, keeps }] of Object.entries(losses)) {
    it(`over a Redis that is ${loss}: no answer claims what is not stored, and nobody is left waiting`, async () => {
      const cookies = await Promise.all(
        Array.from({ length: CLIENTS }, async () => cookieOf(await ask("POST", ""))),
      );
      const claimed = new Map(cookies.map((cookie) => [cookie, 1]));
      const statuses = new Set<number>();
      const load = { isOver: false };
      // Some are new: they come by no load, and meet the outage as they are saved.
      const visitor = async (cookie: string): Promise<void> => {
        while (!load.isOver) {
          const [old, fresh] = await Promise.all([ask("POST", cookie), ask("POST", "")]);
          for (const { status, isWhole } of [old, fresh]) {
            expect(isWhole).to.equal(true);
            statuses.add(status);
          }
          if (old.status === 200) claimed.set(cookie, (JSON.parse(old.text) as { count: number }).count);
          if (fresh.status === 200) claimed.set(cookieOf(fresh), 1);
        }
      };
      const visitors = cookies.map(visitor);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await lose();
      await eventually(() => expect([...statuses]).to.include(503));
      // Nothing of these that is a 200 may be lost, but with the data of a server that was killed.
      const before = new Map(claimed);
      await bringBack();
      await eventually(async () => expect((await ask("POST", "")).status).to.equal(200));
      load.isOver = true;
      await Promise.all(visitors);
      expect([...statuses].toSorted((one, other) => one - other)).to.deep.equal([200, 503]);
      if (!keeps) return;
      expect(before.size).to.be.at.least(CLIENTS);
      for (const [cookie, count] of claimed) {
        const answer = await ask("GET", cookie);
        expect((JSON.parse(answer.text) as { count: number }).count).to.be.at.least(count);
      }
    });
  }
});
