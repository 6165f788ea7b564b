import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { BloomGuard, type BloomGuardOptions } from "express-redis-suite/stores/cache/bloom-guard";
import {
  ObjectCache,
  type GetOrLoadOptions,
  type KeyGuard,
  type Loader,
  type LoadContext,
  type LoadOptions,
  type ManyLoader,
  type ObjectCacheOptions,
  type ObjectCodec,
  type SetOptions,
  type Warmed,
} from "express-redis-suite/stores/cache/object-cache";
import { LoadTimeoutError } from "express-redis-suite/stores/errors";
import { exactly } from "./exactly.ts";

declare const store: CacheStore;

interface User {
  readonly name: string;
}

// A store and a time are enough.
const users = new ObjectCache<User>({ store, ttlMs: 1000 });
// @ts-expect-error: no time
void new ObjectCache<User>({ store });

// All there is.
const size: BloomGuardOptions = { expectedKeys: 10, falsePositiveRate: 0.1 };
const guard: KeyGuard = new BloomGuard(size);
const load: LoadOptions = {
  waitMs: 1,
  leaseMs: 1,
  softDeadlineMs: 1,
  hardDeadlineMs: 1,
  beta: 1,
  jitter: 0.1,
};
declare const codec: ObjectCodec<User>;
const options: ObjectCacheOptions<User> = {
  store,
  ttlMs: 1,
  nullTtlMs: 1,
  graceMs: 0,
  name: "users",
  codec,
  guard,
  load,
};
void new ObjectCache(options);

export async function used(signal: AbortSignal): Promise<void> {
  const loader: Loader<User> = async ({ key, addTags, setTtlMs }: LoadContext) => {
    await addTags("users");
    setTtlMs(5);
    return key === "" ? null : { name: key };
  };
  const asked: GetOrLoadOptions = { tags: ["users"], signal };
  exactly<User | null | undefined>()(await users.getOrLoad("1", loader, asked));
  exactly<User | null | undefined>()(await users.get("1"));
  // @ts-expect-error: no user
  await users.getOrLoad("1", () => 5);
  const many: ManyLoader<User> = (keys) => new Map(keys.map((key) => [key, { name: key }]));
  exactly<Map<string, User | null>>()(await users.getOrLoadMany(["1"], many, asked));
  const kept: SetOptions = { ttlMs: 1, tags: [] };
  await users.set("1", null, kept);
  exactly<Warmed>()(await users.warm(["1"], loader));
  exactly<boolean>()(await users.expire("1", 5));
  await users.purgeTags(["users"], { soft: true });
}

export function statusOf(error: unknown): number {
  if (error instanceof LoadTimeoutError) exactly<"LOAD_TIMEOUT">()(error.code);
  return error instanceof LoadTimeoutError ? error.status : 500;
}
