/**
 * What was done under one lock. Times are milliseconds of the monotonic clock that all processes of a machine share.
 * The store gave the lock at some time from `sentAt` to `beginAt`.
 */
export interface Section {
  readonly key: string;
  readonly fence: number;
  /** When the caller began to wait. */
  readonly joinedAt: number;
  /** When the request that was given the lock was sent. */
  readonly sentAt: number;
  /** The first and the last moment at which the lock was seen to be valid. */
  readonly beginAt: number;
  readonly endAt: number;
  /** Of a caller that was refused first: when it asked the store, and when it knew that it had its place in line. */
  readonly line?: { readonly askedAt: number; readonly placedAt: number };
}

/** What a register of a key accepted, in the order in which it did. */
export type Accepted = Readonly<Record<string, readonly number[]>>;

export interface Verdict {
  /** Pairs that held one key at the same time. */
  readonly overlaps: readonly (readonly [Section, Section])[];
  /** Pairs of which the later has no higher fence. */
  readonly fallen: readonly (readonly [Section, Section])[];
  /** Pairs of which the later was served first, though it came later and both stood in line. */
  readonly inversions: readonly (readonly [Section, Section])[];
  /** Fences that a register accepted after that of a later holder. */
  readonly stale: readonly number[];
}

export function judge(sections: readonly Section[], accepted: Accepted): Verdict {
  const verdict = {
    overlaps: [] as [Section, Section][],
    fallen: [] as [Section, Section][],
    inversions: [] as [Section, Section][],
    stale: [] as number[],
  };
  for (const key of new Set(sections.map((section) => section.key))) {
    const ofKey = sections.filter((section) => section.key === key);
    for (const [at, one] of ofKey.entries()) {
      for (const other of ofKey.slice(at + 1)) {
        const [first, second] = one.beginAt <= other.beginAt ? [one, other] : [other, one];
        if (second.beginAt < first.endAt) verdict.overlaps.push([first, second]);
        if (first.fence === second.fence || (isBefore(first, second) && second.fence < first.fence)) {
          verdict.fallen.push([first, second]);
        }
        if (isOvertaken(second, first)) verdict.inversions.push([second, first]);
      }
    }
    verdict.stale.push(...staleOf(ofKey, accepted[key] ?? []));
  }
  return verdict;
}

/** Whether the store has certainly given the lock to `one` before it gave it to `other`. */
function isBefore(one: Section, other: Section): boolean {
  return one.beginAt < other.sentAt;
}

/** Whether `late` was served before `early`, which had its place, and had waited for longer by any account. */
function isOvertaken(early: Section, late: Section): boolean {
  if (!early.line || !late.line || !isBefore(late, early)) return false;
  const latestSince = early.joinedAt + (early.line.placedAt - early.line.askedAt);
  return latestSince < late.joinedAt && early.line.placedAt < late.sentAt;
}

function staleOf(sections: readonly Section[], accepted: readonly number[]): number[] {
  const byFence = new Map(sections.map((section) => [section.fence, section]));
  let latestSentAt = -Infinity;
  return accepted.filter((fence) => {
    const section = byFence.get(fence);
    if (!section) return true;
    const isStale = section.beginAt < latestSentAt;
    latestSentAt = Math.max(latestSentAt, section.sentAt);
    return isStale;
  });
}
