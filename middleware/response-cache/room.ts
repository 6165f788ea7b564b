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
  /** From now on `request` reads the fields as they are now, whatever the layers inside make of them. */
  readonly holdRequest: () => void;
  readonly report: (outcome: ResponseCacheEvent["outcome"], code?: string) => void;
}

export function exchangeOf(room: Room, parts: Pick<Exchange, "req" | "res" | "next">): Exchange {
  const startedAt = channels.responseCache.hasSubscribers ? performance.now() : 0;
  let reported = false;
  return {
    req: parts.req,
    res: parts.res,
    next: parts.next,
    ...requestFields(parts.req),
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

/**
 * The request's fields. Not copied for a hit; but a layer inside that deletes a field which it has read (credentials, so
 * that no log has them) would else make its response one to a request without it.
 */
function requestFields(req: Request): Pick<Exchange, "request" | "holdRequest"> {
  let held: Request["headers"] | undefined;
  return {
    request(name) {
      const headers = held ?? req.headers;
      // Any name may come out of a Vary, `constructor` too.
      const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
      return Array.isArray(value) ? value.join(", ") : value;
    },
    holdRequest() {
      held ??= { ...req.headers };
    },
  };
}
