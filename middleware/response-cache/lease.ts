import { warnOfStoreError } from "../response/store-failure.ts";
import type { Found } from "./response-store.ts";
import { takeFromOutside } from "./led-keys.ts";
import type { Exchange, Room } from "./room.ts";
import type { Run } from "./run-handler.ts";
import { decodeFrame } from "./stored-response.ts";

export interface Lease {
  readonly token?: string | undefined;
  readonly stamps: readonly string[];
  /** Whether the key holds something, */
  readonly isHeld: boolean;
  /** and something else than what was found. */
  readonly isNews: boolean;
}

/** Undefined where the store cannot be asked: what comes of the run is then kept nowhere. */
export async function takeLease(
  { responses }: Room,
  { req }: Exchange,
  found: Found,
): Promise<Lease | undefined> {
  try {
    const [first, stamps] = await Promise.all([responses.lead(found), responses.stamps(found)]);
    const isGivenUp = first.token === undefined && (await takeFromOutside(req, found.entryKey));
    const { token, value } = isGivenUp ? await responses.lead(found) : first;
    const isHeld = value !== undefined;
    return { token, stamps, isHeld, isNews: token !== undefined && isHeld && isNews(value, found) };
  } catch (error) {
    warnOfStoreError("responseCache", error);
    return undefined;
  }
}

export function runOf(found: Found, lease: Lease | undefined): Run {
  return {
    found,
    token: lease?.token,
    stamps: lease?.stamps ?? [],
    forward: missOf(found),
  };
}

/** Why a request goes on to the handler (RFC 9211 §2.2). */
export function missOf({ stored, variants }: Found): "stale" | "vary-miss" | "uri-miss" {
  if (stored) return "stale";
  return variants ? "vary-miss" : "uri-miss";
}

function isNews(value: Buffer, { heldSince }: Found): boolean {
  const frame = decodeFrame(value);
  if (!frame) return false;
  return frame.kind === "variants" || frame.response.times.respondedAt !== heldSince;
}

export async function giveBack({ responses }: Room, found: Found, token: string): Promise<void> {
  await responses.abandon(found, token).catch(() => {});
}
