import type { NextFunction, Request, Response } from "express";
import { Gauge, Histogram, type Registry } from "prom-client";
import { observeRoute } from "./route-template.ts";

export interface HttpMetricsOptions {
  readonly bucketsSeconds: readonly number[];
  /** How many different route labels there may be; the rest are `other`. */
  readonly maxRoutes: number;
}

/** RFC 9110 §9.3, with PATCH of RFC 5789: a client may send any word as its method. */
const METHODS: ReadonlySet<string> = new Set(
  "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE".split(" "),
);

/** Makes the middleware that times requests by method, route and status. */
export function countRequests(
  registry: Registry,
  { bucketsSeconds, maxRoutes }: HttpMetricsOptions,
): (req: Request, res: Response, next: NextFunction) => void {
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time from a request's arrival to the end of its response, in seconds.",
    labelNames: ["method", "route", "status"],
    buckets: [...bucketsSeconds],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: "http_requests_in_flight",
    help: "Requests that have arrived and whose response has not ended.",
    registers: [registry],
  });
  const counted = new WeakSet<Response>();
  const routes = new Set<string>();
  const routeLabel = (template: string): string => {
    if (routes.size < maxRoutes) routes.add(template);
    return routes.has(template) ? template : "other";
  };

  return (req, res, next) => {
    // Mounted twice, it still counts once.
    if (counted.has(res)) return next();
    counted.add(res);
    const startedAt = performance.now();
    const route = observeRoute(req);
    inFlight.inc();
    // `close` comes after every response, finished or not; `finish` not where the client has gone.
    res.once("close", () => {
      inFlight.dec();
      if (isEventStream(res)) return;
      durations.observe(
        {
          method: METHODS.has(req.method) ? req.method : "other",
          route: routeLabel(route.template()),
          status: statusLabel(res),
        },
        (performance.now() - startedAt) / 1000,
      );
    });
    next();
  };
}

/** An event stream lasts as long as its reader likes: its duration is no latency. */
function isEventStream(res: Response): boolean {
  return String(res.getHeader("content-type")).startsWith("text/event-stream");
}

function statusLabel(res: Response): string {
  if (!res.writableFinished) return "aborted";
  return res.statusCode >= 100 && res.statusCode <= 599 ? String(res.statusCode) : "other";
}
