import { StoreUnavailableError } from "express-redis-suite/stores/errors";

/** Stands for any store that cannot be asked: each of its methods rejects. */
export function failingStore<Store extends object>(): Store {
  return new Proxy({} as Store, {
    get: () => () => Promise.reject(new StoreUnavailableError("the test's store is away")),
  });
}
