import { StoreTimeoutError, StoreUnavailableError } from "../errors.ts";
import { clientFailure } from "../../telemetry/client-failure.ts";
import { assertDurationMs } from "../options.ts";
import { assertWithinReach, openBreaker } from "./breaker.ts";
import { withinDeadline } from "./deadline.ts";
import { withoutArguments } from "./reply-error.ts";
import { serverOf, type RedisClient, type Server } from "./server-of.ts";

export type { RedisClient } from "./server-of.ts";

/**
 * Runs one Redis call under a deadline, behind the breaker of the server that it asks.
 *
 * Resolves with the reply. Rejects with {@link StoreTimeoutError} once `deadlineMs` has passed, with
 * {@link StoreUnavailableError} where the connection is down, the breaker open, or the server there but unable to
 * serve for now (`OOM`, `READONLY`, `LOADING` …), and with any other error of the server's (`WRONGTYPE`, `NOPERM` …) as
 * it came, but for the command's arguments.
 *
 * On a Cluster `key`, any one of the call's keys, tells which master is asked. A call without one is refused while any
 * master is silent that such a call had to wait for.
 */
export type Guard = <Reply>(call: () => Promise<Reply>, key?: string) => Promise<Reply>;

export const DEFAULT_DEADLINE_MS = 250;
const NO_CALL = "guard: the call must be a function that returns a promise: guard(() => redis.ping())";
/**
 * The first words of errors that pass by themselves, or once an operator has helped; the question was a right one. The
 * last is what the client of a Cluster says of a slot that is on its way to another node for longer than it asks again.
 */
const UNABLE_FOR_NOW =
  /^(?:(?:BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|READONLY|TRYAGAIN) |Too many Cluster redirections)/;

/**
 * Makes the guard of one store, or of commands of your own. The deadline is the guard's (milliseconds, default 250);
 * there is one breaker per server of a client, so what one store learns of a frozen Redis the others need not wait for.
 *
 * A breaker opens at the first missed deadline or lost connection and is closed by a PING of its own: while it is open
 * no request waits, not even as a probe, and a false alarm costs one round trip.
 *
 * @throws TypeError for a deadline that is not a positive number; the guard rejects with one for what is no function, or
 * returns no promise
 */
export function createGuard(client: RedisClient, deadlineMs: number = DEFAULT_DEADLINE_MS): Guard {
  const guard = createServerGuard(client, deadlineMs);
  // Found before the call: a slot may have moved by the time that its old master has missed the deadline.
  return async (call, key) => {
    if (typeof call !== "function") throw new TypeError(NO_CALL);
    return guard(() => promisedBy(call), serverOf(client, key));
  };
}

function promisedBy<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  const promised = call();
  if (typeof promised?.finally !== "function") throw new TypeError(NO_CALL);
  return promised;
}

/** A {@link Guard} that is told the server itself, for commands that are not about a key. */
export type ServerGuard = <Reply>(call: () => Promise<Reply>, server: Server) => Promise<Reply>;

/** As {@link createGuard}. */
export function createServerGuard(
  client: RedisClient,
  deadlineMs: number = DEFAULT_DEADLINE_MS,
): ServerGuard {
  assertDurationMs(deadlineMs, "deadlineMs");
  return async (call, server) => {
    assertWithinReach(client, server);
    try {
      return await withinDeadline(call, deadlineMs);
    } catch (error) {
      const cause = withoutArguments(error);
      if (cause instanceof StoreTimeoutError || clientFailure(cause)) openBreaker(client, server);
      throw storeError(cause);
    }
  };
}

function storeError(cause: unknown): unknown {
  if (cause instanceof Error && UNABLE_FOR_NOW.test(cause.message)) {
    return new StoreUnavailableError(`Redis cannot serve this now: ${cause.message}`, { cause });
  }
  const failure = clientFailure(cause);
  // The client's own timeout, where it is shorter than the deadline.
  if (failure === "timeout") return new StoreTimeoutError("Redis did not answer in time", { cause });
  if (failure === "closed")
    return new StoreUnavailableError("Redis is away: the connection is down", { cause });
  return cause;
}
