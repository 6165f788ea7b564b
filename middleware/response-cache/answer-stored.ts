import { endUnread, isAnswered } from "../response/answered.ts";
import { formatCacheStatus } from "./http/cache-status.ts";
import { freshForMs, reuse } from "./http/reuse.ts";
import type { Found } from "./response-store.ts";
import { revalidateLater } from "./revalidate-later.ts";
import type { Exchange, Room } from "./room.ts";
import { sendStored } from "./send-stored.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Whether there is nobody to answer any more; ends the response where that is to be done. */
export function hasLeft({ res }: Exchange): boolean {
  // Answered by a timeout, for example, or without a reader: a handler would find nobody to answer.
  if (isAnswered(res)) return true;
  if (res.destroyed) endUnread(res);
  return res.destroyed;
}

/** Returns false where what is kept may not be used as it is. */
export function answerStored(
  room: Room,
  exchange: Exchange,
  { found, stored }: { found: Found; stored: StoredResponse },
): boolean {
  const { req, res, request, report } = exchange;
  const now = Date.now();
  const use = found.standing === "stale" ? "revalidate" : reuse(stored, request, now, room.rules);
  if (use === "revalidate" || use === "gateway-timeout") return false;
  const ttl = freshForMs(stored, now) / 1000;
  if (use === "fresh") report("hit");
  else report("stale");
  // Nothing of a HEAD is kept.
  if (use === "stale-while-revalidate" && req.method === "GET") {
    res.once("close", () => void revalidateLater(room, exchange, found));
  }
  sendStored(exchange, stored, formatCacheStatus(room.name, { hit: true, ttl }));
  return true;
}

/** What is kept of others is not there for a request with credentials, unless it says that it may (RFC 9111 §3.5). */
export function usableBy({ request }: Exchange, found: Found): Found {
  if (request("authorization") === undefined || found.stored?.isForAuthorized !== false) return found;
  return { ...found, stored: undefined };
}
