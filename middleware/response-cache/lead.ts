import { setTimeout as pause } from "node:timers/promises";
import { varyValues } from "./http/vary.ts";
import { answerStored, hasLeft, usableBy } from "./answer-stored.ts";
import { WAIT_MS, type Landed } from "./flights.ts";
import type { Found } from "./response-store.ts";
import type { Exchange, Room } from "./room.ts";
import { giveBack, runOf, takeLease } from "./lease.ts";
import { runHandler } from "./run-handler.ts";

const FIRST_POLL_MS = 10;
const MOST_POLL_MS = 100;

/** Leads a key and runs the handler, or waits for whoever leads it in another process. */
export async function lead(room: Room, exchange: Exchange, first: Found): Promise<Landed> {
  const until = performance.now() + WAIT_MS;
  let found = first;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(pollMs * 2, MOST_POLL_MS)) {
    const lease = await takeLease(room, exchange, found);
    const mayRun = !lease || (lease.token === undefined ? performance.now() > until : !lease.isNews);
    if (mayRun && !hasLeft(exchange)) return runHandler(room, exchange, runOf(found, lease));
    if (lease && lease.token === undefined) await pause(pollMs * (0.5 + Math.random()));
    // Somebody has led it to its end since it was looked for, or does so now.
    const again = await findAgain(room, found);
    if (lease?.token !== undefined) void giveBack(room, found, lease.token);
    if (hasLeft(exchange)) return { outcome: "failed" };
    found = usableBy(exchange, again);
    const { stored } = found;
    if (stored && answerStored(room, exchange, { found, stored })) {
      const names = found.variants?.names ?? [];
      return { outcome: "kept", stored, names, values: varyValues(names, exchange.request) };
    }
  }
}

/** Runs the handler beside others, in vain for them: what comes of it is kept only where it was to be asked about. */
export async function runAlone(
  room: Room,
  exchange: Exchange,
  { found, flight }: { found: Found; flight: string },
): Promise<void> {
  const lease = found.stored ? await takeLease(room, exchange, found) : undefined;
  if (hasLeft(exchange)) {
    if (lease?.token !== undefined) void giveBack(room, found, lease.token);
    return;
  }
  room.flights.note(flight, await runHandler(room, exchange, runOf(found, lease)));
}

/** What was found before, where the store cannot be asked. */
async function findAgain({ responses }: Room, found: Found): Promise<Found> {
  try {
    return await responses.find(found.target);
  } catch {
    return found;
  }
}
