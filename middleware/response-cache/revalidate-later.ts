import { detachResponse } from "../response/detached.ts";
import { giveBack, runOf, takeLease } from "./lease.ts";
import type { Found } from "./response-store.ts";
import type { Exchange, Room } from "./room.ts";
import { runHandler } from "./run-handler.ts";

/**
 * Makes a stale response anew after it has been sent (RFC 5861 §3): the layers inside run once more for the same
 * request, for nobody but the store. One at a time in a process, and, while the lease lasts, among all processes.
 */
export async function revalidateLater(room: Room, exchange: Exchange, found: Found): Promise<void> {
  const { entryKey } = found;
  if (room.flights.get(entryKey)) return;
  await room.flights.start(entryKey, async () => {
    const lease = await takeLease(room, exchange, found);
    if (lease?.token === undefined || lease.isNews) {
      if (lease?.token !== undefined) await giveBack(room, found, lease.token);
      return { outcome: "failed" };
    }
    detachResponse(exchange.res);
    return runHandler(room, exchange, { ...runOf(found, lease), isDetached: true });
  });
}
