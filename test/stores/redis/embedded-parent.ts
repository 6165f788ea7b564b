import { createEmbeddedRedis } from "express-redis-suite/redis";

/** The program that `embedded.test.ts` kills: starts a server, prints its URL, and then only waits. */
process.on("SIGINT", () => {});
const engine = process.argv[2] === "wasm" ? "wasm" : "native";
const { url } = await createEmbeddedRedis({ engine });
process.stdout.write(`${url}\n`);
if (process.argv[3] !== "and-end") setInterval(() => {}, 1000);
