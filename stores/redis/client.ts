import { RedisConnectError } from "../errors.ts";
import { assertCreateRedisOptions, type CreateRedisOptions } from "./client-options.ts";
import { hangUp } from "./close.ts";
import { connectionError, rememberErrors, serverError } from "./connection-errors.ts";
import { writeOncePerTurn } from "./one-write-per-turn.ts";
import { openClient } from "./open-client.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { RedisClient } from "./server-of.ts";
import { protocolMistake } from "./protocol-mistake.ts";

export type { CreateRedisOptions } from "./client-options.ts";

/**
 * Connects to a standalone Redis, a Cluster or a master behind Sentinels, and returns the client once it has said PONG
 * (or at once, with `waitForConnection: false`).
 *
 * The client fails fast: nothing is queued while the connection is down, and no command that may have run is
 * ever sent a second time (ioredis would do both), so a request is answered by its middleware's policy at once and
 * counts at most once.
 *
 * @param url see `parseRedisUrl` for the three forms
 * @throws TypeError for a missing or malformed URL or an invalid or unknown option
 * @throws RedisConnectError when no server answered within `connectTimeoutMs`, and at once when one refused the
 * credentials or the database
 * @example
 * const redis = await createRedis("redis+sentinel://s1:26379,s2:26379/mymaster");
 */
export async function createRedis(
  url: string | undefined,
  options: CreateRedisOptions = {},
): Promise<RedisClient> {
  if (!url) {
    throw new TypeError(
      'createRedis: the URL is missing (is REDIS_URL set?); for example "redis://127.0.0.1:6379"',
    );
  }
  assertCreateRedisOptions(options);
  const { connectTimeoutMs = 2000, waitForConnection = true, onError = () => {} } = options;
  const address = parseRedisUrl(url);
  const client = writeOncePerTurn(openClient(address, options));
  let told = !waitForConnection;
  rememberErrors(client, (error) => {
    if (told) onError(error);
  });
  if (!waitForConnection) {
    client.once("ready", () => void pingAll(client).catch(() => {}));
    client.connect().catch(() => {});
    return client;
  }
  try {
    await answered(client, connectTimeoutMs);
    told = true;
    return client;
  } catch (error) {
    const cause = connectionError(client) ?? serverError(error as Error);
    hangUp(client);
    const tried = address.hosts.map(({ host, port }) => `${host}:${port}`).join(", ");
    if (isRefusal(cause)) {
      throw new RedisConnectError(`the Redis at ${tried} refuses the connection: ${cause.message}`, {
        cause,
      });
    }
    const why = (await protocolMistake(address, options.tls !== undefined)) ?? cause.message;
    throw new RedisConnectError(`no Redis at ${tried} within ${connectTimeoutMs} ms: ${why}`, { cause });
  }
}

/** Errors that no further attempt will cure; an unknown database would otherwise quietly become database 0. */
function isRefusal(error: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM|ERR DB index)/.test(serverError(error).message);
}

async function answered(client: RedisClient, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onError: ((error: Error) => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error("no answer")), timeoutMs);
      onError = (error) => isRefusal(error) && reject(error);
      client.on("error", onError);
      client.once("ready", () => void pingAll(client).then(resolve, reject));
      // The first attempt's failure is not the last word: the client goes on trying until the time is over.
      client.connect().catch(() => {});
    });
  } finally {
    clearTimeout(timer);
    if (onError) client.off("error", onError);
  }
}

/**
 * Every master of a Cluster, because ioredis connects to one only when it is first used and rejects whatever else
 * comes until then: the first burst of traffic would fail. One master that answers is enough to begin with.
 */
async function pingAll(client: RedisClient): Promise<void> {
  const nodes = "nodes" in client ? client.nodes("master") : [client];
  const pongs = nodes.map((node) => node.ping());
  await Promise.allSettled(pongs);
  await Promise.any(pongs);
}
