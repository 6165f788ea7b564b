import { isPromise } from "node:util/types";
import { stampStanding } from "../../stores/cache/stamp-standing.ts";
import { sendProblem } from "../response/problem.ts";
import { storeFailure } from "../response/store-failure.ts";
import { currentAgeMs } from "./http/age.ts";
import { formatCacheStatus, type ForwardReason } from "./http/cache-status.ts";
import { isOnlyIfCached } from "./http/reuse.ts";
import { varyValues } from "./http/vary.ts";
import { answerStored, hasLeft, usableBy } from "./answer-stored.ts";
import type { Landed } from "./flights.ts";
import { lead, runAlone } from "./lead.ts";
import { missOf } from "./lease.ts";
import type { Found, Target } from "./response-store.ts";
import type { Exchange, Room } from "./room.ts";
import { sendStored } from "./send-stored.ts";
import { updateByHead } from "./update-by-head.ts";

/** How often a request waits for another one's handler, which may each time come to nothing, before it runs its own. */
const MOST_WAITS = 3;

/**
 * Answers a request that may be answered from the cache: with what is kept, or with what the layers inside make. What is
 * kept in this process is sent in the same turn of the event loop.
 */
export function serve(room: Room, exchange: Exchange, target: Target): void | Promise<void> {
  const looked = findOrPass(room, exchange, target);
  if (looked && !isPromise(looked) && answerFound(room, exchange, looked)) return undefined;
  return makeOrWait(room, exchange, { target, looked });
}

async function makeOrWait(
  room: Room,
  exchange: Exchange,
  { target, looked }: { target: Target; looked: ReturnType<typeof findOrPass> },
): Promise<void> {
  let found = await looked;
  for (let waits = 0; found; waits += 1) {
    if (answerFound(room, exchange, found)) return;
    const flight = flightOf(exchange, found);
    if (mustRunAlone(room, found, flight) || waits >= MOST_WAITS) {
      return runAlone(room, exchange, { found, flight });
    }
    const underWay = room.flights.get(flight);
    const leading = found;
    if (!underWay) return room.flights.start(flight, () => lead(room, exchange, leading));
    const landed = await underWay;
    if (answerLanded(room, exchange, { found, landed }) || hasLeft(exchange)) return;
    if (landed.outcome === "late") return runAlone(room, exchange, { found, flight });
    found = await findOrPass(room, exchange, target);
  }
}

/** Returns false for a request whose response is to be made, and may be kept. */
function answerFound(room: Room, exchange: Exchange, found: Found): boolean {
  const { req, request } = exchange;
  const { stored } = found;
  if (stored && answerStored(room, exchange, { found, stored })) return true;
  if (isOnlyIfCached(request, room.rules)) {
    refuse(room, exchange, found);
  } else if (req.method === "HEAD") {
    updateByHead(room, exchange, found);
    passOn(room, exchange, { fwd: missOf(found), detail: "head" });
  } else if (request("range") !== undefined && !stored) {
    passOn(room, exchange, { fwd: missOf(found), detail: "range" });
  } else {
    return false;
  }
  return true;
}

/** The client wants nothing but what is stored, and there is nothing that it may have (RFC 9111 §5.2.1.7). */
function refuse(room: Room, { res, report }: Exchange, found: Found): void {
  report("bypass");
  res.appendHeader(
    "Cache-Status",
    formatCacheStatus(room.name, { fwd: missOf(found), detail: "only-if-cached" }),
  );
  sendProblem(res, {
    status: 504,
    title: "Gateway Timeout",
    detail: "Nothing is stored that this request may have.",
  });
}

/** Undefined where nobody is there any more, or the store could not be asked and the handler has the request. */
function findOrPass(
  room: Room,
  exchange: Exchange,
  target: Target,
): Found | undefined | Promise<Found | undefined> {
  const use = (found: Found): Found | undefined =>
    hasLeft(exchange) ? undefined : usableBy(exchange, found);
  const pass = (error: unknown): undefined => {
    exchange.report("store-error", storeFailure("responseCache", error));
    if (!hasLeft(exchange)) passOn(room, exchange, { fwd: "bypass", detail: "store-error" });
  };
  try {
    const found = room.responses.find(target);
    return isPromise(found) ? found.then(use, pass) : use(found);
  } catch (error) {
    return pass(error);
  }
}

/** Lets the layers inside answer, and keeps nothing of it. */
export function passOn(
  room: Room,
  { res, next, report }: Exchange,
  why: { readonly fwd: ForwardReason; readonly detail?: string },
): void {
  report("bypass");
  // Of Node: in front of an app the response is not yet one of Express's.
  res.appendHeader("Cache-Status", formatCacheStatus(room.name, why));
  next();
}

/** Those whose response nobody else may have gain nothing from waiting for each other. */
function mustRunAlone({ flights }: Room, { stored }: Found, flight: string): boolean {
  return flights.isPassed(flight) || (stored !== undefined && stored.lifetime.ms === 0);
}

/** Requests with credentials do not wait for those without, and neither keeps the other from being kept. */
function flightOf({ request }: Exchange, { entryKey }: Found): string {
  return request("authorization") === undefined ? entryKey : `${entryKey} authorized`;
}

/** With the response that another request of this process waited for, where that fits (RFC 9111 §4: collapsed). */
function answerLanded(
  room: Room,
  exchange: Exchange,
  { found, landed }: { found: Found; landed: Landed },
): boolean {
  if (landed.outcome !== "kept" || hasLeft(exchange)) return false;
  const { stored, names, values } = landed;
  const { request, report } = exchange;
  const isFresh = stored.lifetime.ms > currentAgeMs(stored.times, Date.now());
  // The run may have begun before a purge that this request came after.
  if (stampStanding(stored.stamps, found.stamps) !== "current") return false;
  if (!isFresh || (request("authorization") !== undefined && !stored.isForAuthorized)) return false;
  if (varyValues(names, request).some((value, at) => value !== values[at])) return false;
  report("coalesced");
  sendStored(exchange, stored, formatCacheStatus(room.name, { fwd: "miss", collapsed: true }));
  return true;
}
