import express from "express";
import { idempotency } from "express-redis-suite/idempotency";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import request from "supertest";
import { storeWith } from "./idempotent-app.ts";

/** Runs one scenario in a process that has warned of nothing yet, and tells the codes to its parent. */
const away = (): Promise<never> => Promise.reject(new StoreUnavailableError("away"));

async function send(store: IdempotencyStore, body?: object): Promise<void> {
  const app = express();
  app.post("/", idempotency({ store, scope: () => "" }), (_req, res) => void res.end());
  for (const key of ["a", "b"]) await request(app).post("/").set("Idempotency-Key", key).send(body);
}

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  "a request without a body": () => send(new MemoryIdempotencyStore()),
  "a body that is not parsed": () => send(new MemoryIdempotencyStore(), { a: 1 }),
  "a store that is away at the end": () => send(storeWith(() => ({ complete: away }))),
  "a store that is away at the beginning": () => send(storeWith(() => ({ begin: away, abandon: away }))),
};

const codes: unknown[] = [];
process.on("warning", (warning: NodeJS.ErrnoException) => codes.push(warning.code));
await scenarios[process.argv[2] ?? ""]?.();
setImmediate(() => process.send?.(codes, () => process.exit(0)));
