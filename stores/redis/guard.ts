import { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } from "cockatiel";
import type { Cluster, Redis, RedisOptions } from "ioredis";
import { channels, publish } from "../../telemetry/channels.ts";
import { StoreTimeoutError, StoreUnavailableError } from "../errors.ts";
import { withoutArguments } from "./reply-error.ts";

/** What every Redis store is given; the suite never connects or quits it. */
export type RedisClient = Redis | Cluster;

/**
 * Runs one Redis call under a deadline, behind the breaker of its client.
 *
 * Resolves with the reply. Rejects with {@link StoreTimeoutError} once `deadlineMs` has passed, with
 * {@link StoreUnavailableError} where the connection is down, the breaker open, or the server there but unable to
 * serve for now (`OOM`, `READONLY`, `LOADING` …), and with any other error of the server's (`WRONGTYPE`, `NOPERM` …) as
 * it came, but for the command's arguments.
 */
export type Guard = <Reply>(call: () => Promise<Reply>) => Promise<Reply>;

export const DEFAULT_DEADLINE_MS = 250;
const PROBE_INTERVAL_MS = 200;
const COMMAND_TIMEOUT = "Command timed out";
/** The first words of errors that pass by themselves, or once an operator has helped; the question was a right one. */
const UNABLE_FOR_NOW = /^(?:BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|READONLY|TRYAGAIN) /;

/**
 * Makes the guard of one store, or of commands of your own. The deadline is the guard's (milliseconds, default 250);
 * the breaker belongs to the client, so what one store learns of a frozen Redis the others need not wait for.
 *
 * The breaker opens at the first missed deadline or lost connection and is closed by a PING of its own: while it is
 * open no request waits, not even as a probe, and a false alarm costs one round trip.
 *
 * @throws TypeError for a deadline that is no positive number
 */
export function createGuard(client: RedisClient, deadlineMs: number = DEFAULT_DEADLINE_MS): Guard {
  if (!Number.isFinite(deadlineMs) || deadlineMs <= 0) {
    throw new TypeError(`deadlineMs must be a positive number of milliseconds, not ${String(deadlineMs)}`);
  }
  const breaker = breakerOf(client, deadlineMs);
  return async (call) => {
    assertClosed(breaker);
    try {
      return await withinDeadline(call, deadlineMs);
    } catch (error) {
      // The breaker hears of failures alone: of what succeeds it would only keep count.
      await breaker.execute(() => Promise.reject(error)).catch(() => {});
      const cause = withoutArguments(error);
      if (cause instanceof Error && UNABLE_FOR_NOW.test(cause.message)) {
        throw new StoreUnavailableError(`Redis cannot serve this now: ${cause.message}`, { cause });
      }
      if (!isConnectionError(cause)) throw cause;
      // The client's own timeout, where it is shorter than the deadline.
      if (cause.message === COMMAND_TIMEOUT) {
        throw new StoreTimeoutError("Redis did not answer in time", { cause });
      }
      throw new StoreUnavailableError("Redis is away: the connection is down", { cause });
    }
  };
}

/**
 * For what would wait before it asks: throws at once what the guards of this client reject with while its breaker is
 * open.
 *
 * @throws StoreUnavailableError while the breaker is open
 */
export function assertWithinReach(client: RedisClient): void {
  const breaker = breakers.get(client);
  if (breaker) assertClosed(breaker);
}

type Breaker = ReturnType<typeof circuitBreaker>;
const breakers = new WeakMap<RedisClient, Breaker>();

function assertClosed({ state }: Breaker): void {
  if (state === CircuitState.Closed) return;
  throw new StoreUnavailableError("Redis is away: its circuit breaker is open");
}

function breakerOf(client: RedisClient, deadlineMs: number): Breaker {
  const known = breakers.get(client);
  if (known) return known;
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof StoreTimeoutError || isConnectionError(error)),
    // Closed again by probeUntilAlive alone, hence no half-open trial by a user's request.
    { halfOpenAfter: Number.MAX_SAFE_INTEGER, breaker: new ConsecutiveBreaker(1) },
  );
  breaker.onBreak(() => {
    if (breaker.state !== CircuitState.Open) return;
    const isolation = breaker.isolate();
    const name = clientName(client);
    publish(channels.redisBreaker, () => ({ client: name, state: "open" }));
    probeUntilAlive(client, deadlineMs, () => {
      isolation.dispose();
      publish(channels.redisBreaker, () => ({ client: name, state: "closed" }));
    });
  });
  breakers.set(client, breaker);
  return breaker;
}

/** The connection name that the client was made with, or `redis`: a bounded label for metrics. */
export function clientName(client: RedisClient): string {
  const options = "redisOptions" in client.options ? client.options.redisOptions : client.options;
  return (options as RedisOptions).connectionName ?? "redis";
}

function probeUntilAlive(client: RedisClient, deadlineMs: number, onAlive: () => void): void {
  const probe = (): void => {
    // A client that its owner has ended comes back when its owner says so, if ever.
    if (client.status === "end") {
      client.once("ready", probe);
      return;
    }
    withinDeadline(() => client.ping(), deadlineMs).then(onAlive, () => {
      setTimeout(probe, PROBE_INTERVAL_MS).unref();
    });
  };
  setImmediate(probe);
}

function withinDeadline<Reply>(call: () => Promise<Reply>, deadlineMs: number): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // After a stall of this very process timers run before sockets are read; a reply that already lies in the
      // socket is in time, so the verdict waits for one turn of the event loop.
      setImmediate(() => reject(new StoreTimeoutError(`Redis did not answer within ${deadlineMs} ms`)));
    }, deadlineMs);
    call()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
}

/** ioredis has no class or code for these; the texts are its constants (utils/index, errors/, Redis.sendCommand). */
function isConnectionError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return (
    error.message === "Connection is closed." ||
    error.message === COMMAND_TIMEOUT ||
    error.message.endsWith("enableOfflineQueue options is false") ||
    error.message.startsWith("Command aborted due to connection close") ||
    error.name === "MaxRetriesPerRequestError" ||
    error.name === "ClusterAllFailedError" ||
    (error as NodeJS.ErrnoException).syscall !== undefined
  );
}
