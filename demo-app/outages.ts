import { setTimeout as pause } from "node:timers/promises";
import type { CheckResult } from "express-redis-suite/health";
import { createGuard, type Guard, type RedisClient } from "express-redis-suite/redis";
import { channels, type StoreEvent } from "express-redis-suite/telemetry";
import type { Logger } from "pino";
import { KEY_PREFIX } from "./config.ts";

export interface OutagesOptions {
  readonly client: RedisClient;
  readonly logger: Logger;
  /** How long the probe waits for Redis, milliseconds. */
  readonly deadlineMs: number;
  /** How long an operation that has failed must not have failed again before it counts as well. Default 10,000. */
  readonly quietMs?: number;
}

/** On a Cluster enough keys that some of them belong to each master; elsewhere the first one is enough. */
const PROBED_KEYS: readonly string[] = Array.from({ length: 16 }, (_, at) => String(at));
const PROBE_TTL_MS = 10_000;
const PROBE_EVERY_MS = 500;
/** A Redis on the edge of its memory takes one write and refuses the next: it is well once it took several. */
const CALM_PROBES = 3;

/**
 * Watches for outages that a connection does not show: a Redis that answers and refuses. Each of them is one line in the
 * log when it begins and one when it ends, however many requests notice; the circuit breaker tells the other kind.
 *
 * What Redis refuses for now (`OOM`, `READONLY`, `MASTERDOWN`, `BUSY` …) is told from a write of our own, which also
 * finds out when it is over. What it refuses for good (`NOPERM`, `WRONGTYPE`) concerns single operations, and is over
 * when they succeed.
 */
export class Outages {
  readonly #client: RedisClient;
  readonly #logger: Logger;
  readonly #guard: Guard;
  readonly #quietMs: number;
  /** Operations that fail for good, and when they last did. */
  readonly #failing = new Map<string, number>();
  readonly #listener = (event: StoreEvent): void => this.#hear(event);
  #refused = false;
  #watching = false;
  #closed = false;

  constructor({ client, logger, deadlineMs, quietMs = 10_000 }: OutagesOptions) {
    this.#client = client;
    this.#logger = logger;
    this.#guard = createGuard(client, deadlineMs);
    this.#quietMs = quietMs;
    channels.store.subscribe(this.#listener);
  }

  /** Whether Redis takes writes. Not that it answers: a full one, or a replica, still serves every read. */
  async check(): Promise<CheckResult> {
    try {
      await this.#write();
      return { up: true };
    } catch (error) {
      this.#suspect();
      return { up: false, reason: (error as Error).message };
    }
  }

  /** A guard for commands outside of the stores: what becomes of them is heard like an operation of a store. */
  guard(operation: string, guard: Guard): Guard {
    return async (call, key) => {
      try {
        const reply = await guard(call, key);
        this.#succeeded(operation);
        return reply;
      } catch (error) {
        this.#failed(operation, (error as { code?: string }).code ?? firstWord((error as Error).message));
        throw error;
      }
    };
  }

  close(): void {
    this.#closed = true;
    channels.store.unsubscribe(this.#listener);
  }

  #hear({ store, operation, outcome, code = "UNKNOWN" }: StoreEvent): void {
    if (outcome === "error") this.#failed(`${store}.${operation}`, code);
    else this.#succeeded(`${store}.${operation}`);
  }

  #failed(operation: string, code: string): void {
    // The breaker tells of deadlines that are missed.
    if (code === "STORE_TIMEOUT") return;
    if (code === "STORE_UNAVAILABLE") return this.#suspect();
    if (!this.#failing.has(operation)) this.#logger.error({ operation, code }, "Redis refuses an operation");
    this.#failing.set(operation, performance.now());
  }

  #succeeded(operation: string): void {
    if (this.#failing.size === 0) return;
    const failedAt = this.#failing.get(operation);
    if (failedAt === undefined || performance.now() - failedAt < this.#quietMs) return;
    this.#failing.delete(operation);
    this.#logger.warn({ operation }, "Redis serves the operation again");
  }

  #suspect(): void {
    if (this.#watching || this.#closed) return;
    this.#watching = true;
    void this.#watch().finally(() => (this.#watching = false));
  }

  /** Probes until Redis has taken several writes in a row, or is away altogether, which its breaker tells. */
  async #watch(): Promise<void> {
    let calm = 0;
    while (calm < CALM_PROBES && !this.#closed) {
      const refusal = await this.#write().then(
        () => undefined,
        (error: Error) => error,
      );
      calm = refusal ? 0 : calm + 1;
      if (refusal?.cause instanceof Error && isReply(refusal.cause)) this.#begin(refusal.message);
      if (!this.#refused) return;
      await pause(PROBE_EVERY_MS, undefined, { ref: false });
    }
    if (this.#closed) return;
    this.#refused = false;
    this.#logger.warn("Redis takes writes again");
  }

  #begin(reason: string): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#logger.warn({ reason }, "Redis refuses writes; requests go by each middleware's policy");
  }

  async #write(): Promise<void> {
    const keys = this.#client.isCluster ? PROBED_KEYS : PROBED_KEYS.slice(0, 1);
    const writes = keys.map((tag) => {
      const key = `${KEY_PREFIX}:probe:{${tag}}`;
      return this.#guard(() => this.#client.set(key, 1, "PX", PROBE_TTL_MS), key);
    });
    await Promise.all(writes);
  }
}

/** What Redis itself said, not what became of the connection. */
function isReply({ name }: Error): boolean {
  return name === "ReplyError";
}

function firstWord(message: string): string {
  return /^[A-Z]+/.exec(message)?.[0] ?? "UNKNOWN";
}
