import { close, createEmbeddedRedis, createRedis, type RedisClient } from "express-redis-suite/redis";
import { EmbeddedRedisError, RedisConnectError } from "express-redis-suite/stores/errors";
import type { Config } from "./config.ts";
import { StartError } from "./start-error.ts";

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
}: Pick<Config, "redisUrl" | "engine">): Promise<RedisSource> {
  try {
    if (redisUrl !== undefined) {
      const client = await createRedis(redisUrl, { name: "demo" });
      return { client, kind: "url", close: () => close(client) };
    }
    return await embed(engine);
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

async function embed(engine: Config["engine"]): Promise<RedisSource> {
  const server = await createEmbeddedRedis({ engine });
  try {
    const client = await createRedis(server.url, { name: "demo" });
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
