/** The part of redlock 5 that is used here; its package hides its types from whoever imports it as a module. */
declare module "redlock" {
  import type { Redis } from "ioredis";

  interface Settings {
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  interface Lock {
    release(): Promise<unknown>;
  }

  class Redlock {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    acquire(keys: string[], ttlMs: number): Promise<Lock>;
  }

  export = Redlock;
}
