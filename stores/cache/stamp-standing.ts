/** Whether what was made under some stamps may still be used. */
export type StampStanding = "current" | "stale" | "invalid";

const SOFT = "~";

/** A stamp is an id, then, behind a `~`, what the last soft purge has made of it. */
export function stampStanding(kept: readonly string[], now: readonly (string | undefined)[]): StampStanding {
  if (kept.length !== now.length) return "invalid";
  let standing: StampStanding = "current";
  for (const [at, stamp] of kept.entries()) {
    if (stamp === now[at]) continue;
    if (idOf(stamp) !== idOf(now[at] ?? "")) return "invalid";
    standing = "stale";
  }
  return standing;
}

export function idOf(stamp: string): string {
  return stamp.split(SOFT, 1)[0] ?? "";
}
