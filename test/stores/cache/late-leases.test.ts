import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { StoreTimeoutError } from "express-redis-suite/stores/errors";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;

describeWithRedisServer("RedisCacheStore and a lease that comes too late", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeEach(async () => {
    server = await startRedisServer();
  });
  afterEach(async () => {
    await close(client);
    await server.stop();
  });

  const patience = {
    "by the store's deadline": PATIENT_MS,
    "by the client's own timeout too": 100,
  };
  for (const [late, commandTimeoutMs] of Object.entries(patience)) {
    for (const isKnown of [true, false]) {
      it(`gives it back, late ${late}, ${isKnown ? "by a script that Redis knows" : "by one that it does not"}`, async () => {
        client = await createRedis(server.url, { commandTimeoutMs, maxReconnectDelayMs: 20 });
        const store = new RedisCacheStore({ client, prefix: "app", deadlineMs: 50 });
        if (isKnown) {
          await eventually(() => store.lead("other", LONG_MS));
          await eventually(() => store.abandon("other", "nobody"));
        }
        server.signal("SIGSTOP");
        const asked = store.lead("k", LONG_MS).catch((error: unknown) => error);
        expect(await asked).to.be.instanceOf(StoreTimeoutError);
        await new Promise((resolve) => void setTimeout(resolve, 150));
        server.signal("SIGCONT");
        await eventually(async () => {
          const { token } = await store.lead("k", LONG_MS);
          expect(token).to.be.a("string");
        });
      });
    }
  }
});
