import type { NextFunction, Request, Response } from "express";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import type { RateLimitOptions } from "./options.ts";
import { limiterThat, type RateLimitMiddleware } from "./rate-limit.ts";
import { Visit, type RequestRateLimit } from "./visit.ts";

/**
 * Judges a response once it is closed; `res.writableFinished` is false for one that was cut off. Synchronous; one that
 * throws, or returns a promise, leaves the units as they are, and is warned of once (`ERS_JUDGE_FAILED`).
 */
export type JudgeResponse = (req: Request, res: Response) => boolean;

/** A complete response below 400. */
export const successful: JudgeResponse = (_req, res) => res.writableFinished && res.statusCode < 400;

/** A response of 400 and above, or one that was cut off. */
export const failed: JudgeResponse = (req, res) => !successful(req, res);

/**
 * Gives a request's units back when its response is judged not to count, for limits on failures alone:
 * `refundWhen(limiter, successful)`. Units are taken first, so while many requests are under way some may be refused
 * that would in the end not have counted; {@link chargeWhen} decides the other way.
 *
 * @throws TypeError at construction for anything but a limiter and a function
 */
export function refundWhen(limiter: RateLimitMiddleware, judge: JudgeResponse): RouteMiddleware {
  assertArguments("refundWhen", typeof limiter === "function", judge);
  return afterAdmission(limiter, (limit, { req, res }) => {
    if (limit && verdict("refundWhen", () => judge(req, res))) void limit.refund();
  });
}

/**
 * The stricter twin of {@link refundWhen}: takes nothing in advance, refuses a key that is over its limit, and charges
 * a request after its response if it is judged to count, even past the limit. Nobody is refused for somebody else's
 * request under way, and `n` requests at once may bring a key over its limit by `n - 1`; put a limiter with a
 * `concurrency` policy in front where that matters (logins).
 *
 * @throws TypeError at construction for options that `rateLimit` refuses, and for a judge that is no function
 */
export function chargeWhen(options: RateLimitOptions, judge: JudgeResponse): RouteMiddleware {
  assertArguments("chargeWhen", typeof options !== "function", judge);
  return afterAdmission(limiterThat("peek", options), (limit, { req, res }) => {
    if (limit instanceof Visit && verdict("chargeWhen", () => judge(req, res))) void limit.charge();
  });
}

function assertArguments(owner: string, firstFits: boolean, judge: unknown): void {
  if (!firstFits) throw new TypeError(`${owner}: chargeWhen takes options, refundWhen a limiter`);
  if (typeof judge === "function") return;
  throw new TypeError(`${owner}: judge must be a function (req, res) => boolean, for example failed`);
}

/** The response is gone, so a mistake of the judge's has no error handler to go to; thrown, it would end the process. */
function verdict(owner: string, judge: () => unknown): boolean {
  try {
    const judged = judge();
    if (!(judged instanceof Promise)) return Boolean(judged);
    judged.catch(() => {});
    throw new TypeError("it returned a promise; a judge is synchronous");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    warnOnce("ERS_JUDGE_FAILED", `${owner}: the judge failed, and units stay as they are: ${why}`, owner);
    return false;
  }
}

/** Runs `settle` once the response of a request that a limiter let through has closed, however it closed. */
function afterAdmission(
  limiter: RateLimitMiddleware,
  settle: (limit: RequestRateLimit | undefined, closed: { req: Request; res: Response }) => void,
): RouteMiddleware {
  async function afterAdmissionMiddleware(req: Request, res: Response, next: NextFunction): Promise<void> {
    const earlier = req.rateLimit;
    let handedOn = false;
    const settleOnceClosed = (): void => {
      // A limiter that skipped the request, or could not count it, leaves what an earlier one has put there.
      const limit = req.rateLimit === earlier ? undefined : req.rateLimit;
      const close = (): void => settle(limit, { req, res });
      // The client may have gone while the store was asked; then nothing will close again.
      if (res.destroyed) close();
      else res.once("close", close);
    };
    await limiter(req, res, (error?: unknown) => {
      handedOn = true;
      settleOnceClosed();
      next(error);
    });
    // Let through, and to nobody: its client has gone meanwhile, or another layer has answered.
    if (!handedOn && req.rateLimit !== earlier) settleOnceClosed();
  }
  return forAnyRoute(afterAdmissionMiddleware);
}
