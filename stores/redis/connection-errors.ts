import type { Redis } from "ioredis";
import { isUnsent } from "../../telemetry/client-failure.ts";
import { withoutArguments } from "./reply-error.ts";
import type { RedisClient } from "./server-of.ts";

/** Why a client of `createRedis` is not connected; nothing of one that is. */
const lastErrors = new WeakMap<object, Error>();

/**
 * Remembers why a client is not connected, until it is, and tells `onError` of each error, without the arguments of
 * commands.
 */
export function rememberErrors(client: RedisClient, onError: (error: Error) => void): void {
  client.on("error", (error: Error) => {
    const known = lastErrors.get(client);
    // What follows from an error that is known already says less than that error.
    if (known && isUnsent(error)) return;
    lastErrors.set(client, withoutArguments(error));
    onError(error);
  });
  client.on("ready", () => lastErrors.delete(client));
}

/** Undefined for a client that is connected, or of whose connection no error is known. */
export function connectionError(client: RedisClient): Error | undefined {
  const error = client.status === "ready" ? undefined : lastErrors.get(client);
  return error && serverError(error);
}

/** What the server itself said, where a Cluster's error only says that every node failed. */
export function serverError(error: Error): Error {
  return "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

/**
 * Closes a connection whose database the server refuses, and connects anew, as after a refused password. ioredis alone
 * would report the refusal and go on in database 0.
 */
export function insistOnDatabase(client: Redis): Redis {
  client.on("error", (error: Error & { readonly command?: { readonly name?: string } }) => {
    // The handshake is still under way: no other command has been let onto the connection.
    if (error.command?.name === "select" && client.status === "connect") client.disconnect(true);
  });
  return client;
}
