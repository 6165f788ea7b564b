import {
  close,
  createEmbeddedRedis,
  createGuard,
  createRedis,
  defineScript,
  health,
  parseRedisUrl,
  type CreateRedisOptions,
  type EmbeddedRedis,
  type EmbeddedRedisOptions,
  type Guard,
  type RedisAddress,
  type RedisClient,
  type RedisHealth,
  type RedisScript,
  type ScriptClient,
} from "express-redis-suite/redis";
import type { Redis } from "ioredis";
import { exactly } from "./exactly.ts";

export async function connect(options: CreateRedisOptions): Promise<RedisClient> {
  const fromEnvironment = await createRedis(process.env["REDIS_URL"]);
  const client: RedisClient = await createRedis("redis://127.0.0.1:6379", options);
  exactly<RedisHealth>()(await health(client));
  await close(fromEnvironment);
  // @ts-expect-error: an address is a string
  await createRedis({ host: "127.0.0.1" });
  return client;
}

export async function embedded(options: EmbeddedRedisOptions): Promise<string> {
  const server: EmbeddedRedis = await createEmbeddedRedis(options);
  const address: RedisAddress = parseRedisUrl(server.url);
  return `${server.url} ${String(address)}`;
}

export async function guarded(client: Redis): Promise<number> {
  const guard: Guard = createGuard(client, 250);
  const script: RedisScript<[by: number], number> = defineScript<[by: number], number>(
    "n.add",
    1,
    "return 1",
  );
  const scripted: ScriptClient = client;
  // @ts-expect-error: of the script's arguments
  await script.run(scripted, ["k"], ["one"]);
  return await guard(() => script.run(scripted, ["k"], [1]));
}
