import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express, { type Express } from "express";
import {
  chargeWhen,
  failed,
  policySet,
  rateLimit,
  refundWhen,
  type JudgeResponse,
} from "express-redis-suite/rate-limit";
import type { RateLimitPolicy, RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { failingStore } from "../../support/failing-store.ts";

/** Runs one scenario in a process that has warned of nothing yet, and tells the warnings to its parent. */
const policies: readonly RateLimitPolicy[] = [
  { name: "p", algorithm: "fixed-window", limit: 99, windowMs: 60_000 },
];
const others: readonly RateLimitPolicy[] = [
  { ...policies[0], name: "other", algorithm: "gcra", limit: 9, windowMs: 1000 },
];

const chosen = policySet(policies);

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
  async "forwarded by a trusted proxy that knows no address"() {
    const app = express().use(rateLimit({ store: new MemoryRateLimitStore(), policies }));
    app.set("trust proxy", 1);
    await ask(app, 3, { "X-Forwarded-For": "unknown" });
  },
  async "over a Unix socket"() {
    const folder = await mkdtemp(join(tmpdir(), "limited-"));
    const app = express().use(rateLimit({ store: new MemoryRateLimitStore(), policies }));
    const server = app.use((_req, res) => void res.end()).listen(join(folder, "socket"));
    await once(server, "listening");
    for (let time = 0; time < 3; time++) {
      const [response] = await once(get({ socketPath: join(folder, "socket"), agent: false }), "response");
      if ((response as IncomingMessage).statusCode !== 200) throw new Error("the limiter failed");
    }
    await rm(folder, { recursive: true });
  },
  async "a client that has gone"() {
    const store = new MemoryRateLimitStore();
    const app = express();
    app.get("/", (req, _res, next) => void req.socket.destroy().once("close", () => next()));
    await ask(app.use(rateLimit({ store, policies })), 3, {}).catch(() => {});
  },
  async "a client that resets its connection just then"() {
    const app = express();
    app.use((_req, _res, next) => {
      client.resetAndDestroy();
      next();
    });
    app.use(rateLimit({ store: new MemoryRateLimitStore(), policies }));
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect(port, "127.0.0.1").on("error", () => {});
    client.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    const [connection] = (await once(server, "connection")) as [Socket];
    await new Promise((resolve) => connection.on("error", () => {}).once("close", resolve));
  },
  async "a store that takes no units in use back"() {
    const uses = policySet([{ name: "use", algorithm: "concurrency", limit: 9, windowMs: 60_000 }]);
    const app = express().use(rateLimit({ store: failingAt("release"), policies: uses }));
    await ask(app, 3);
  },
  async "a store that keeps no units in use"() {
    const uses = policySet([{ name: "use", algorithm: "concurrency", limit: 9, windowMs: 3 }]);
    let renewed = (): void => {};
    const renewal = new Promise<void>((resolve) => (renewed = resolve));
    const app = express().use(rateLimit({ store: failingAt("renew", renewed), policies: uses }));
    app.use((_req, _res, next) => void renewal.then(() => setImmediate(next)));
    await ask(app, 1);
  },
  async "a store that refuses for a reason that will not pass"() {
    await ask(
      express().use(rateLimit({ store: failingWith("NOPERM no permission for evalsha"), policies })),
      3,
    );
  },
  async "a store that is away"() {
    await ask(express().use(rateLimit({ store: failingStore(), policies })), 3);
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
    rateLimit({ store, policies: () => chosen });
  },
  async "one store, the same policies, other keys"() {
    const store = new MemoryRateLimitStore();
    rateLimit({ store, policies });
    rateLimit({ store, policies, key: () => "user" });
    rateLimit({ store, policies, key: () => "address" });
  },
  async "one store, the same policies, the same key function"() {
    const store = new MemoryRateLimitStore();
    for (let limiter = 0; limiter < 2; limiter++) rateLimit({ store, policies, key: sameKey });
  },
  async "a judge that throws"() {
    await judged("charge", () => {
      throw new Error("a bug of the judge");
    });
  },
  async "a judge that returns a promise"() {
    await judged("refund", (() =>
      Promise.reject(new Error("a bug of the judge"))) as unknown as JudgeResponse);
  },
  async "two stores, the same policies"() {
    for (let limiter = 0; limiter < 2; limiter++) rateLimit({ store: new MemoryRateLimitStore(), policies });
  },
};

const sameKey = (): string => "k";

/** Fails where a unit is charged, or given back. */
async function judged(wrap: "charge" | "refund", judge: JudgeResponse): Promise<void> {
  const store = new MemoryRateLimitStore();
  const options = { store, policies, key: sameKey };
  const app = express();
  app.use(wrap === "charge" ? chargeWhen(options, judge) : refundWhen(rateLimit(options), judge));
  await ask(app, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { policies: states } = await store.peek("k", chosen, 1);
  if (states[0]?.remaining !== (wrap === "charge" ? 99 : 97)) throw new Error("units were moved");
}

/** A store that Redis answers with an error of its own. */
function failingWith(message: string): RateLimitStore {
  return new Proxy(new MemoryRateLimitStore(), {
    get: () => () => Promise.reject(new Error(message)),
  });
}

/** One that grants no permission for a single operation. */
function failingAt(operation: keyof RateLimitStore, tell = (): void => {}): RateLimitStore {
  return new Proxy<RateLimitStore>(new MemoryRateLimitStore(), {
    get(target, property: keyof RateLimitStore) {
      if (property !== operation) return target[property].bind(target);
      return () => {
        tell();
        return Promise.reject(new Error("NOPERM no permission for evalsha"));
      };
    },
  });
}

async function ask(app: Express, times: number, headers: Record<string, string> = {}): Promise<void> {
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
