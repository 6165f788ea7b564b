import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";

/** Locks in memory, some of whose operations the test makes its own. */
export function locksWith(own: Partial<LockStore> = {}): { locks: LockManager; store: LockStore } {
  const memory = new MemoryLockStore();
  const store: LockStore = {
    features: memory.features,
    acquire: (request) => memory.acquire(request),
    extend: (key, owner, ttlMs) => memory.extend(key, owner, ttlMs),
    release: (key, owner) => memory.release(key, owner),
    inspect: (key) => memory.inspect(key),
    onTurn: (listener) => memory.onTurn(listener),
    now: () => memory.now(),
    ...own,
  };
  return { locks: new LockManager(store), store };
}
