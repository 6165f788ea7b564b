import type { Lock } from "../../stores/lock/lock.ts";

export type { BusyStatus, RouteLockOptions } from "./options.ts";
export { routeLock, type LockedHandler, type RouteLock } from "./route-lock.ts";

declare global {
  // Express's own way to let a middleware add to its request.
  namespace Express {
    interface Request {
      /**
       * Set by `routeLock`. Once its lock is given back: that of a `routeLock` outside, or, where there is none, still this
       * one, no longer valid.
       */
      lock?: Lock;
    }
  }
}
