import express, { type Request } from "express";
import {
  idempotency,
  type IdempotencyOptions,
  type IdempotentRequest,
} from "express-redis-suite/idempotency";
import type {
  IdempotencyBegin,
  IdempotencyCompletion,
  IdempotencyState,
  IdempotencyStore,
} from "express-redis-suite/stores/idempotency/contract";
import {
  MemoryIdempotencyStore,
  type MemoryIdempotencyStoreOptions,
} from "express-redis-suite/stores/idempotency/memory";
import {
  RedisIdempotencyStore,
  type RedisIdempotencyStoreOptions,
} from "express-redis-suite/stores/idempotency/redis";
import type { RedisStores } from "express-redis-suite/stores";
import { exactly } from "./exactly.ts";

declare const stores: RedisStores;
declare const memoryOptions: MemoryIdempotencyStoreOptions;
declare const redisOptions: RedisIdempotencyStoreOptions;
exactly<RedisIdempotencyStore>()(stores.idempotency);
const store: IdempotencyStore = new MemoryIdempotencyStore(memoryOptions);
const other: IdempotencyStore = new RedisIdempotencyStore(redisOptions);

const options: IdempotencyOptions = {
  store,
  scope: (req) => req.path,
  methods: ["POST"],
  required: true,
  ttlMs: 1,
  lockMs: 1,
  fingerprint: async (req: Request) => String(req.body.amount),
  onStoreError: "allow",
};
const app = express();
app.post("/orders/:id", idempotency(options), (req) => {
  exactly<string>()(req.params.id);
  exactly<IdempotentRequest | undefined>()(req.idempotency);
  exactly<string | undefined>()(req.idempotency?.key);
  req.idempotency?.keepAnswer(false);
});

// What a store of one's own is made of.
export async function used(work: IdempotencyBegin, completion: IdempotencyCompletion): Promise<void> {
  const begun: IdempotencyState = await other.begin("k", work);
  if (begun.state === "done") exactly<Buffer>()(begun.record);
  if (begun.state === "in-progress") exactly<number>()(begun.remainingMs);
  // @ts-expect-error: nothing is kept yet
  if (begun.state === "begun") exactly<Buffer>()(begun.record);
  exactly<boolean>()(await other.complete("k", completion));
}

// @ts-expect-error: nobody says whose the keys are
idempotency({ store });
// @ts-expect-error: no store
idempotency({ scope: () => "" });
// @ts-expect-error: a scope is a string
idempotency({ store, scope: () => 1 });
// @ts-expect-error: durations are numbers of milliseconds
idempotency({ store, scope: () => "", ttlMs: "24h" });
// @ts-expect-error: no such policy
idempotency({ store, scope: () => "", onStoreError: "ignore" });
// @ts-expect-error: no such option
idempotency({ store, scope: () => "", ttl: 1 });
