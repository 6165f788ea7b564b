export { createRedis, type CreateRedisOptions } from "./client.ts";
export { close } from "./close.ts";
export { createEmbeddedRedis, type EmbeddedRedis, type EmbeddedRedisOptions } from "./embedded.ts";
export { createGuard, type Guard, type RedisClient } from "./guard.ts";
export { health, type RedisHealth } from "./health.ts";
export { parseRedisUrl, type RedisAddress } from "./redis-url.ts";
export { defineScript, type RedisScript, type ScriptClient } from "./script.ts";
