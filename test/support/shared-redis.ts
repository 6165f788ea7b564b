import {
  close,
  createEmbeddedRedis,
  createRedis,
  type EmbeddedRedis,
  type RedisClient,
} from "express-redis-suite/redis";

/** A store's deadline where deadlines are not what is tested: longer than a busy machine stalls. */
export const PATIENT_MS = 5000;

let server: EmbeddedRedis | undefined;
let client: RedisClient | undefined;

/** The engine under test: native unless `EMBEDDED_REDIS=wasm` asks for the WebAssembly one. */
export const engine: "native" | "wasm" = process.env["EMBEDDED_REDIS"] === "wasm" ? "wasm" : "native";

/** The one server that all tests of this process share; empty, and without cached scripts, at each test's start. */
export function redisUrl(): string {
  if (!server) throw new Error("the shared Redis runs only while tests do");
  return server.url;
}

export function redis(): RedisClient {
  if (!client) throw new Error("the shared Redis runs only while tests do");
  return client;
}

export const mochaHooks = {
  async beforeAll(): Promise<void> {
    server = await createEmbeddedRedis({ engine });
    client = await createRedis(server.url, { name: "test", commandTimeoutMs: PATIENT_MS });
  },
  async beforeEach(): Promise<void> {
    await redis().flushall();
    await redis().script("FLUSH");
  },
  async afterAll(): Promise<void> {
    if (client) await close(client);
    await server?.stop();
  },
};
