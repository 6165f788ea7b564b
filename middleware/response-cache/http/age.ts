import { trimBlanks } from "./blanks.ts";
import { deltaSeconds } from "./cache-control.ts";

/** When a response was asked for and came, milliseconds since the epoch, and how old it said it was. */
export interface StoredTimes {
  readonly requestedAt: number;
  readonly respondedAt: number;
  /** Its Date; absent where it had none, or an invalid one. */
  readonly dateMs?: number | undefined;
  /** Its Age, 0 where it had none. */
  readonly ageSeconds: number;
}

/**
 * Reads an Age field, in seconds. Of a list the first member counts; undefined, which is to be ignored, where that is
 * no whole number (RFC 9111 §5.1).
 */
export function parseAge(value: string | undefined): number | undefined {
  return deltaSeconds(trimBlanks(value?.split(",", 1)[0] ?? ""));
}

/**
 * How old a stored response is, milliseconds (RFC 9111 §4.2.3). A Date is in whole seconds, so only whole seconds since
 * it count: a response would otherwise be up to a second old when it comes.
 */
export function currentAgeMs(stored: StoredTimes, now: number): number {
  const { requestedAt, respondedAt, ageSeconds } = stored;
  const wholeSecond = Math.floor(respondedAt / 1000) * 1000;
  const apparentAge = Math.max(0, wholeSecond - (stored.dateMs ?? wholeSecond));
  const correctedAge = ageSeconds * 1000 + Math.max(0, respondedAt - requestedAt);
  return Math.max(apparentAge, correctedAge) + Math.max(0, now - respondedAt);
}
