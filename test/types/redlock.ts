import type { Redis } from "ioredis";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedlockStore, type RedlockStoreOptions } from "express-redis-suite/stores/lock/redlock";
import { exactly } from "./exactly.ts";

declare const client: Redis;
const options: RedlockStoreOptions = { clients: [client, client, client], prefix: "p", deadlineMs: 100 };
exactly<LockManager>()(new LockManager(new RedlockStore(options)));
// @ts-expect-error: several clients, not one
void new RedlockStore({ client, prefix: "p" });
// @ts-expect-error: no prefix
void new RedlockStore({ clients: [client, client, client] });
