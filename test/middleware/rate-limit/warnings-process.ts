import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express, { type Express } from "express";
import { chargeWhen, failed, rateLimit } from "express-redis-suite/rate-limit";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";

/** Runs one scenario in a process that has warned of nothing yet, and tells the warnings to its parent. */
const policies: readonly RateLimitPolicy[] = [
  { name: "p", algorithm: "fixed-window", limit: 99, windowMs: 60_000 },
];
const others: readonly RateLimitPolicy[] = [
  { ...policies[0], name: "other", algorithm: "gcra", limit: 9, windowMs: 1000 },
];

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  async "forwarded, untrusted"() {
    const app = express().use(rateLimit({ store: new MemoryRateLimitStore(), policies }));
    await ask(app, 3, { "X-Forwarded-For": "192.0.2.1" });
  },
  async "forwarded, trusted"() {
    const app = express().use(rateLimit({ store: new MemoryRateLimitStore(), policies }));
    app.set("trust proxy", 1);
    await ask(app, 2, { "X-Forwarded-For": "192.0.2.1" });
  },
  async "forwarded, but not counted by address"() {
    const app = express().use(rateLimit({ store: new MemoryRateLimitStore(), policies, key: () => "k" }));
    await ask(app, 2, { "X-Forwarded-For": "192.0.2.1" });
  },
  async "not forwarded"() {
    await ask(express().use(rateLimit({ store: new MemoryRateLimitStore(), policies })), 2, {});
  },
  async "made in a handler"() {
    const app = express().use((req, res, next) => {
      void rateLimit({ store: new MemoryRateLimitStore(), policies })(req, res, next);
    });
    await ask(app, 3, {});
  },
  async "made in a handler of a router, to charge failures"() {
    const router = express.Router().get("/", (req, res, next) => {
      void chargeWhen({ store: new MemoryRateLimitStore(), policies }, failed)(req, res, next);
    });
    await ask(express().use(router), 3, {});
  },
  async "one store, the same policies"() {
    const store = new MemoryRateLimitStore();
    for (let limiter = 0; limiter < 3; limiter++)
      rateLimit({ store, policies: policies.map((each) => ({ ...each })) });
  },
  async "one store, the same policies, one limiter charging failures"() {
    const store = new MemoryRateLimitStore();
    rateLimit({ store, policies });
    chargeWhen({ store, policies }, failed);
  },
  async "one store, other policies"() {
    const store = new MemoryRateLimitStore();
    rateLimit({ store, policies });
    rateLimit({ store, policies: others });
    rateLimit({ store, policies: [...policies, ...others] });
    rateLimit({ store, policies: () => policies });
  },
  async "two stores, the same policies"() {
    for (let limiter = 0; limiter < 2; limiter++) rateLimit({ store: new MemoryRateLimitStore(), policies });
  },
};

async function ask(app: Express, times: number, headers: Record<string, string>): Promise<void> {
  app.use((_req, res) => void res.end());
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (let time = 0; time < times; time++)
    await (await fetch(`http://127.0.0.1:${port}/`, { headers })).arrayBuffer();
}

const warnings: { code: unknown; name: string; message: string }[] = [];
process.on("warning", (warning: Error & { code?: string }) => {
  const { code, name, message } = warning;
  warnings.push({ code, name, message });
});
await scenarios[process.argv[2] ?? ""]?.();
setImmediate(() => {
  process.send?.(warnings, () => process.exit(0));
});
