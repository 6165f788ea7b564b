import { expect } from "chai";
import { close, createRedis } from "express-redis-suite/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { failureOf, HOUR_MS, policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer } from "../../support/redis-server.ts";

describeWithRedisServer("units in use whose answer was lost", () => {
  it("are nobody's once the server answers again, long before they would end by themselves", async () => {
    const server = await startRedisServer();
    const client = await createRedis(server.url);
    const store = new RedisRateLimitStore({ client, prefix: "lost", deadlineMs: 200, denyMemoryKeys: 0 });
    const three = policySet([policy("concurrency", 3, { windowMs: HOUR_MS })]);
    try {
      await eventually(() => store.consume("held", three, 1));
      server.signal("SIGSTOP");
      const asked = Array.from({ length: 5 }, () => failureOf(store.consume("k", three, 1)));
      for (const failure of await Promise.all(asked))
        expect(failure).to.have.property("code", "STORE_TIMEOUT");
      server.signal("SIGCONT");
      await eventually(async () => expect(await remainders(store, three)).to.deep.equal([3]));
      expect(await remainders(store, three, "held")).to.deep.equal([2]);
    } finally {
      await close(client);
      await server.stop();
    }
  });
});
