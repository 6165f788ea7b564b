import type { NextFunction, Request, Response } from "express";
import { channels, publish, type ResponseCacheEvent } from "../../telemetry/channels.ts";
import type { Fields } from "./http/fields.ts";
import type { Flights } from "./flights.ts";
import type { KeepingRules } from "./kept-response.ts";
import type { ResponseStore } from "./response-store.ts";

/** What is the same for every request of a cache. */
export interface Room {
  readonly name: string;
  readonly responses: ResponseStore;
  readonly flights: Flights;
  readonly rules: KeepingRules;
  readonly maxBodyBytes: number;
}

/** One request, and what it is known by. */
export interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
  readonly request: Fields;
  readonly report: (outcome: ResponseCacheEvent["outcome"], code?: string) => void;
}

export function exchangeOf(room: Room, parts: Pick<Exchange, "req" | "res" | "next">): Exchange {
  const startedAt = channels.responseCache.hasSubscribers ? performance.now() : 0;
  let reported = false;
  return {
    req: parts.req,
    res: parts.res,
    next: parts.next,
    request: requestFields(parts.req),
    report(outcome, code) {
      if (reported) return;
      reported = true;
      // Whoever has begun to listen meanwhile hears of the next request.
      if (startedAt === 0) return;
      publish(channels.responseCache, () => ({
        cache: room.name,
        outcome,
        durationMs: performance.now() - startedAt,
        ...(code === undefined ? {} : { code }),
      }));
    },
  };
}

/** The request's fields as they are when they are asked for. */
function requestFields(req: Request): Fields {
  return (name) => {
    // Any name may come out of a Vary, `constructor` too.
    const value = Object.hasOwn(req.headers, name) ? req.headers[name] : undefined;
    return Array.isArray(value) ? value.join(", ") : value;
  };
}
