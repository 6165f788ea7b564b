import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { once } from "node:events";
import { expect } from "chai";
import express, { type RequestHandler } from "express";
import { chargeWhen, denyAddresses, failed, rateLimit, refundWhen } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { channels } from "express-redis-suite/telemetry";
import { policy, pause } from "../../contracts/rate-limit/under-test.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { serve } from "./served-app.ts";

const policies = policySet([policy("fixed-window", 1)]);

const middlewares: Record<string, () => RequestHandler> = {
  rateLimit: () => rateLimit({ store: new MemoryRateLimitStore(), policies }),
  refundWhen: () => refundWhen(rateLimit({ store: new MemoryRateLimitStore(), policies }), failed),
  chargeWhen: () => chargeWhen({ store: new MemoryRateLimitStore(), policies }, failed),
  denyAddresses: () => denyAddresses(["192.0.2.0/24"]),
};

describe("a client that has gone before its request is judged", () => {
  for (const [name, make] of Object.entries(middlewares)) {
    it(`is neither counted, nor an error, nor handed on by ${name}`, async () => {
      const reached: string[] = [];
      let judged = (): void => {};
      const over = new Promise<void>((resolve) => (judged = resolve));
      const middleware = make();
      const app = express();
      app.use(async (req, _res, next) => {
        reached.push("a request");
        await once(req.socket, "close");
        next();
      });
      app.use(async (req, res, next) => {
        await middleware(req, res, next);
        judged();
      });
      app.use((_req, _res) => void reached.push("the handler"));
      app.use(
        ((error, _req, _res, _next) =>
          void reached.push(String(error))) satisfies express.ErrorRequestHandler,
      );
      const served = await serve(app);
      try {
        const events = await collectEvents(channels.rateLimit, async () => {
          const sent = served.send("/");
          while (reached.length === 0) await pause(1);
          sent.destroy();
          await over;
        });
        expect(reached).to.deep.equal(["a request"]);
        expect(events).to.deep.equal([]);
      } finally {
        await served.stop();
      }
    });
  }
});
