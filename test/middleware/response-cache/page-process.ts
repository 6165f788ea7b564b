import { setTimeout as pause } from "node:timers/promises";
import express from "express";
import { createRedis } from "express-redis-suite/redis";
import { responseCache } from "express-redis-suite/response-cache";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import type { PageAnswers, PageOrder } from "./page-processes.ts";
import { serving } from "./served-app.ts";

/** One of several processes that serve the same page; a test starts it and gives the orders of `page-processes.ts`. */
let store: RedisCacheStore | undefined;

process.on("message", (order: PageOrder) => {
  void carryOut(order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function carryOut(order: PageOrder): Promise<object> {
  if (order.kind === "ask") return ask(order);
  const client = await createRedis(order.url, { maxReconnectDelayMs: 10, commandTimeoutMs: 5000 });
  store = new RedisCacheStore({ client, prefix: "pages", deadlineMs: 4000 });
  return {};
}

async function ask(order: Extract<PageOrder, { kind: "ask" }>): Promise<PageAnswers> {
  if (!store) throw new Error("not connected");
  const { path, count, runMs, control = "max-age=60" } = order;
  let runs = 0;
  const app = express();
  app.get("/{*path}", responseCache({ store }), async (_req, res) => {
    runs += 1;
    await pause(runMs);
    res.set("Cache-Control", control).send(String(process.pid));
  });
  const answers = await serving(app, (served) =>
    Promise.all(Array.from({ length: count }, () => served.ask({ path }))),
  );
  const unique = <Value>(values: readonly Value[]): Value[] => [...new Set(values)];
  return {
    statuses: unique(answers.map(({ status }) => status)),
    bodies: unique(answers.map(({ text }) => text)),
    runs,
  };
}
