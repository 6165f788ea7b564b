import { captureResponse, type Captured } from "../response/capture.ts";
import { warnOfStoreError } from "../response/store-failure.ts";
import { fieldsOf, type Fields } from "./http/fields.ts";
import { lifetimeOf } from "./http/freshness.ts";
import { confirmed, refusalOf } from "./kept-response.ts";
import { giveBack, takeLease } from "./lease.ts";
import { hasSession } from "./request-policy.ts";
import type { Found } from "./response-store.ts";
import type { Exchange, Room } from "./room.ts";
import { storedFields, type StoredResponse } from "./stored-response.ts";

/** Sources of a lifetime that the handler itself has named, in this very response. */
const NAMED: readonly string[] = ["s-maxage", "max-age", "expires"];

/**
 * Lets the handler's 200 to a HEAD, once it is out, update the stale response that a GET would have been answered with
 * (RFC 9111 §4.3.5). It speaks of what is stored where both have the same validators and, if it tells a length, the same
 * length; and it has to say itself how long it is fresh: no option extends the life of a body that nobody has seen again.
 */
export function updateByHead(room: Room, exchange: Exchange, found: Found): void {
  const { stored, standing } = found;
  // Isolated responses are not made of what this handler may put into its fields.
  if (!stored || standing !== "current" || room.rules.isolate) return;
  const requestedAt = Date.now();
  exchange.holdRequest();
  captureResponse(exchange.res, {
    maxBodyBytes: room.maxBodyBytes,
    onComplete: (head) => void update(room, exchange, { found, stored, head, requestedAt }),
  });
}

interface Update {
  readonly found: Found;
  readonly stored: StoredResponse;
  readonly head: Captured;
  readonly requestedAt: number;
}

async function update(
  room: Room,
  exchange: Exchange,
  { found, stored, head, requestedAt }: Update,
): Promise<void> {
  const { req, request } = exchange;
  const { rules, responses } = room;
  const { tags, stamps } = stored;
  // What is kept of it is the response to a GET.
  const origin = { method: "GET", request, requestedAt, respondedAt: Date.now(), tags, stamps };
  const sent = { status: head.status, fields: fieldsOf(head.sentHeaders) };
  if (head.status !== 200 || stored.status !== 200 || hasSession(req)) return;
  if (refusalOf(sent, origin, rules) || !isSame(stored, sent.fields)) return;
  if (!NAMED.includes(lifetimeOf({ ...sent, respondedAt: origin.respondedAt }, rules).source)) return;
  const kept = confirmed(stored, head, origin, rules);
  if (!("response" in kept)) return;
  const lease = await takeLease(room, exchange, found);
  if (lease?.token === undefined) return;
  const { token } = lease;
  // Somebody has made, or forgotten, it meanwhile.
  if (!lease.isHeld || lease.isNews) return giveBack(room, found, token);
  await responses.keep(found, { ...kept, token }).catch((error: unknown) => {
    warnOfStoreError("responseCache", error);
  });
}

function isSame(kept: StoredResponse, sent: Fields): boolean {
  const stored = storedFields(kept);
  const length = sent("content-length");
  if (length !== undefined && Number(length) !== kept.body.length) return false;
  return ["etag", "last-modified"].every((name) => sent(name) === stored(name));
}
