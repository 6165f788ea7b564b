import { assertDurationMs, assertOptionNames } from "../../stores/options.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { isAnswered } from "../response/answered.ts";

/** What a check found; `reason` is for people and is shown only with `?verbose`. */
export interface CheckResult {
  readonly up: boolean;
  readonly reason?: string;
}

export interface HealthEndpointsOptions {
  /** What must be up for the service to be ready, by name. Each is asked once per `cacheMs`, however many probes there are. */
  readonly checks: Readonly<Record<string, () => Promise<CheckResult>>>;
  /** How long a check may take before it counts as down, milliseconds. Default 500. */
  readonly timeoutMs?: number;
  /** How long a result is good for, milliseconds. Default 1,000. */
  readonly cacheMs?: number;
}

export interface HealthEndpoints extends RouteMiddleware {
  /** From now on `/readyz` is 503, so that a load balancer sends no more requests; `/livez` stays 200. */
  drain(): void;
}

/**
 * Answers `GET /livez` (the process runs; touches nothing else) and `GET /readyz` (every check is up, and the service
 * is not draining). 200 or 503 is the whole answer for machines; `?verbose` adds a line for each check. A check that
 * rejects, or takes too long, is down.
 *
 * Place it right after `redisMetrics`, before everything else: a probe must pass when a limiter or a session store
 * does not.
 *
 * @throws TypeError at construction for an option that is unknown or invalid
 * @example
 * app.use(healthEndpoints({ checks: { redis: () => health(redis) } }));
 */
export function healthEndpoints(options: HealthEndpointsOptions): HealthEndpoints {
  assertOptions(options);
  const { checks, timeoutMs = 500, cacheMs = 1000 } = options;
  let draining = false;
  let results: Promise<[name: string, result: CheckResult][]> | undefined;
  let checkedAt = -Infinity;

  const runChecks = (): Promise<[string, CheckResult][]> => {
    if (!results || performance.now() - checkedAt > cacheMs) {
      checkedAt = performance.now();
      results = Promise.all(
        Object.entries(checks).map(async ([name, check]): Promise<[string, CheckResult]> => {
          return [name, await withinTime(check, timeoutMs)];
        }),
      );
    }
    return results;
  };

  const middleware = forAnyRoute(async function healthMiddleware(req, res, next) {
    // As Express's own routes do, in either letter case, with or without a slash at the end.
    const path = req.path.toLowerCase().replace(/\/$/, "");
    const live = path === "/livez";
    if ((!live && path !== "/readyz") || (req.method !== "GET" && req.method !== "HEAD")) return next();
    const found = live ? [] : await runChecks();
    if (isAnswered(res)) return;
    const ready = live || (!draining && found.every(([, { up }]) => up));
    res.setHeader("Cache-Control", "no-store");
    res.status(ready ? 200 : 503).type("text/plain");
    if (req.query["verbose"] === undefined) {
      res.send(ready ? "ok\n" : "unavailable\n");
      return;
    }
    const lines = found.map(
      ([name, { up, reason }]) => `${up ? "+" : "-"} ${name}${reason ? `: ${reason}` : ""}`,
    );
    res.send(
      [...lines, ...(draining && !live ? ["- draining"] : []), ready ? "ok" : "unavailable", ""].join("\n"),
    );
  });
  return Object.assign(middleware, {
    drain(): void {
      draining = true;
    },
  });
}

function assertOptions(options: HealthEndpointsOptions): void {
  assertOptionNames("healthEndpoints", options, ["checks", "timeoutMs", "cacheMs"]);
  const { checks, timeoutMs = 500, cacheMs = 1000 } = options;
  if (typeof checks !== "object" || checks === null) {
    throw new TypeError("healthEndpoints: checks must be an object of functions");
  }
  for (const [name, check] of Object.entries(checks)) {
    if (typeof check !== "function")
      throw new TypeError(`healthEndpoints: checks.${name} must be a function`);
  }
  assertDurationMs(timeoutMs, "healthEndpoints: timeoutMs");
  if (!(cacheMs >= 0)) {
    throw new TypeError(`healthEndpoints: cacheMs must be a number of at least 0, not ${String(cacheMs)}`);
  }
}

async function withinTime(check: () => Promise<CheckResult>, timeoutMs: number): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ up: false, reason: `no answer within ${timeoutMs} ms` }), timeoutMs);
  });
  try {
    const found: Partial<CheckResult> | undefined = await Promise.race([check(), tooLate]);
    return typeof found?.up === "boolean"
      ? { ...found, up: found.up }
      : { up: false, reason: "must return { up }" };
  } catch (error) {
    return { up: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
