import type { AddressInfo } from "node:net";
import express from "express";
import { idempotency } from "express-redis-suite/idempotency";
import { createRedis } from "express-redis-suite/redis";
import { RedisIdempotencyStore } from "express-redis-suite/stores/idempotency/redis";

/** A service that works until its parent tells it to go on; the parent kills it, or makes it stand still, before. */
const [url = "", lockMs = ""] = process.argv.slice(2);
const client = await createRedis(url);
const store = new RedisIdempotencyStore({ client, prefix: "faults" });
const app = express().use(express.json());
app.post("/", idempotency({ store, scope: () => "", lockMs: Number(lockMs) }), (_req, res) => {
  process.on("message", () => res.send("of the first process"));
  process.send?.("at work");
});
const server = app.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
