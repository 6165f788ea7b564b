import { Router } from "express";
import type { RedisMetrics } from "express-redis-suite/redis-metrics";
import { methodNotAllowed } from "../problem.ts";

/**
 * `GET /metrics`: the same text for `ttlMs`, since making it costs far more than any other request that has no limit,
 * INFO of Redis included. A scraper comes every few seconds at most.
 */
export function metricsRoutes({ registry }: RedisMetrics, ttlMs: number): Router {
  const router = Router();
  let text: Promise<string> | undefined;
  let madeAt = -Infinity;

  router
    .route("/metrics")
    .get(async (_req, res) => {
      if (!text || performance.now() - madeAt > ttlMs) {
        madeAt = performance.now();
        text = registry.metrics();
      }
      // Through set() and end(): send() would hash the text for an ETag that no scraper asks for.
      res.set({ "Content-Type": registry.contentType, "Cache-Control": "no-store" }).end(await text);
    })
    .all(methodNotAllowed("GET"));

  return router;
}
