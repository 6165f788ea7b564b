import express, { type Express, type RequestHandler } from "express";
import { idempotency, type IdempotencyOptions } from "express-redis-suite/idempotency";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import request from "supertest";

export interface IdempotentApp {
  readonly app: Express;
  readonly runs: () => number;
  /** Sends a POST with this key, unless it is undefined, as the user `ann`. */
  readonly post: (key: string | undefined, options?: PostOptions) => Promise<request.Response>;
}

export interface PostOptions {
  readonly path?: string;
  readonly user?: string;
  readonly body?: object;
}

export interface AppOptions extends Partial<IdempotencyOptions> {
  readonly before?: readonly RequestHandler[];
  readonly after?: readonly RequestHandler[];
}

/** Answers 201 with the number of the run. */
export const countRuns: RequestHandler = (req, res) =>
  void res.status(201).json({ run: req.app.locals["runs"] });

/** An app whose POST and PATCH of any path run `handler`, behind `idempotency`. */
export function idempotentApp(handler: RequestHandler = countRuns, options: AppOptions = {}): IdempotentApp {
  const { before = [], after = [], ...own } = options;
  const app = express().set("env", "test").use(express.json());
  app.locals["runs"] = 0;
  const layer = idempotency({
    store: new MemoryIdempotencyStore(),
    scope: (req) => req.get("X-User") ?? "nobody",
    ...own,
  });
  app.use(...before, layer, ...after);
  app.all("/*path", (req, res, next) => {
    app.locals["runs"] += 1;
    return handler(req, res, next);
  });
  return {
    app,
    runs: () => Number(app.locals["runs"]),
    async post(key, { path = "/orders", user = "ann", body = { amount: 1 } } = {}) {
      const asked = request(app).post(path).set("X-User", user);
      if (key !== undefined) void asked.set("Idempotency-Key", key);
      return asked.send(body);
    },
  };
}

/** A store in memory, some of whose operations the test makes its own. */
export function storeWith(
  own: (memory: MemoryIdempotencyStore) => Partial<IdempotencyStore>,
): IdempotencyStore {
  const memory = new MemoryIdempotencyStore();
  return {
    maxRecordBytes: memory.maxRecordBytes,
    begin: (...args) => memory.begin(...args),
    extend: (...args) => memory.extend(...args),
    complete: (...args) => memory.complete(...args),
    abandon: (...args) => memory.abandon(...args),
    ...own(memory),
  };
}
