import {
  close,
  createEmbeddedRedis,
  createRedis,
  type CreateRedisOptions,
  type RedisClient,
} from "express-redis-suite/redis";
import { EmbeddedRedisError, RedisConnectError } from "express-redis-suite/stores/errors";
import type { Config } from "./config.ts";
import { StartError } from "./start-error.ts";

/** The default of `createRedis`. */
const COMMAND_TIMEOUT_MS = 1000;

/** The Redis the demo found or made. */
export interface RedisSource {
  readonly client: RedisClient;
  readonly kind: "url" | "embedded-native" | "embedded-wasm";
  /** Ends the client, and the server where it is the demo's own. */
  close(): Promise<void>;
}

/**
 * Connects to `REDIS_URL` where that is set, else starts a server.
 *
 * @throws StartError in one line that says what was tried
 */
export async function openRedis({
  redisUrl,
  engine,
  storeDeadlineMs,
}: Pick<Config, "redisUrl" | "engine" | "storeDeadlineMs">): Promise<RedisSource> {
  // A client that gives up before the stores do would make their deadline its own.
  const options = { name: "demo", commandTimeoutMs: Math.max(COMMAND_TIMEOUT_MS, storeDeadlineMs) };
  try {
    if (redisUrl !== undefined) {
      const client = await createRedis(redisUrl, options);
      return { client, kind: "url", close: () => close(client) };
    }
    return await embed(engine, options);
  } catch (error) {
    const expected = error instanceof RedisConnectError || error instanceof EmbeddedRedisError;
    if (!expected) throw error;
    const reason = error.message.replaceAll(/\s+/g, " ");
    throw new StartError(
      redisUrl === undefined
        ? `${reason}; install redis-server, or set REDIS_URL to a Redis that runs`
        : `REDIS_URL: ${reason}`,
      { cause: error },
    );
  }
}

async function embed(engine: Config["engine"], options: CreateRedisOptions): Promise<RedisSource> {
  const server = await createEmbeddedRedis({ engine });
  try {
    const client = await createRedis(server.url, options);
    return {
      client,
      kind: `embedded-${server.engine}`,
      async close() {
        await close(client);
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
