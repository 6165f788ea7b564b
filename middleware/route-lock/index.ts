import type { Lock } from "../../stores/lock/lock.ts";

export type { BusyStatus, RouteLockOptions } from "./options.ts";
export { routeLock, type LockedHandler, type RouteLock } from "./route-lock.ts";

declare global {
  // Express's own way to let a middleware add to its request.
  namespace Express {
    interface Request {
      /** Set by `routeLock` while its lock is held. */
      lock?: Lock;
    }
  }
}
