import type { Request, Response } from "express";
import type { LockManager } from "../../stores/lock/lock-manager.ts";

/** What Express says of a request that nobody has described. */
export type Params = Request["params"];
export type Body = Request["body"];
export type Query = Request["query"];
export type Locals = Response["locals"];

export interface RouteLockOptions<P = Params, ReqBody = Body, ReqQuery = Query> {
  /** Takes the locks. */
  readonly locks: LockManager;
  /**
   * What may run only once at a time. Put the user or the resource in it, or one user's work locks out all. Anything
   * but a string is a TypeError to Express's error handler.
   */
  readonly key: (req: Request<P, Body, ReqBody, ReqQuery>) => string | Promise<string>;
  /**
   * When the lock ends by itself, milliseconds. Longer than the work can take, but no longer than a crash may block
   * others.
   */
  readonly ttlMs: number;
  /** The lock's name in metrics. Default `lock`. */
  readonly name?: string;
  /**
   * What a request gets while the store cannot be asked. Default `deny`, a 503: without the store nothing says that
   * the work is not running already. `allow` runs it unlocked.
   */
  readonly onStoreError?: "deny" | "allow";
}
