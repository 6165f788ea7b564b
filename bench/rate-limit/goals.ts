import { findCase, isScript, type Compared } from "../harness/comparison.ts";
import type { Goal } from "../harness/goals.ts";
import type { LeasedCount } from "./leased-count.ts";
import { THREE_POLICIES, type ScriptTime } from "./script-times.ts";

export function rateLimitGoals(
  compared: readonly Compared[],
  times: readonly ScriptTime[],
  leased: LeasedCount,
): readonly Goal[] {
  const find = (name: string): Compared => findCase(compared, name);
  const one = find("one policy: ours");
  const three = find("three policies: ours");
  const denied = find("denied: ours");
  const threeTime = times.find(({ name }) => name === THREE_POLICIES)?.alone;
  return [
    { text: "one policy: CPU × bare Express", atMost: 1.15, measured: one.timesBase },
    ...addedGoals(find, { what: "one policy", peer: "express-rate-limit", atMost: 0.5 }),
    ...addedGoals(find, { what: "three policies", peer: "express-rate-limit × 3", atMost: 0.35 }),
    { text: "three policies: scripts a request", atMost: 1, measured: scriptsPerRequest(three) },
    { text: "three policies: server µs a decision, asked alone", atMost: 10, measured: threeTime ?? NaN },
    { text: "denied: CPU × bare Express", atMost: 0.8, measured: denied.timesBase },
    { text: "denied: Redis commands a request", atMost: 0, measured: commandsPerRequest(denied) },
    {
      text: "leased hot key: round trips an admitted request",
      atMost: 0.15,
      measured: leased.roundTrips / leased.admitted,
    },
    { text: "leased hot key: admitted beyond the limit", atMost: 0, measured: leased.overAdmitted },
  ];
}

/** Clients of one kind beside each other, then our default beside the peer's better setting. */
function addedGoals(
  find: (name: string) => Compared,
  { what, peer, atMost }: { what: string; peer: string; atMost: number },
): readonly Goal[] {
  const ours = find(`${what}: ours`);
  const oursAuto = find(`${what}: ours, autopipelining`);
  const theirs = find(`${what}: ${peer}`);
  const theirsAuto = find(`${what}: ${peer}, autopipelining`);
  const best = theirs.addedUs.median < theirsAuto.addedUs.median ? theirs : theirsAuto;
  const goal = (how: string, own: Compared, other: Compared): Goal => ({
    text: `${what}: CPU added × what ${peer} adds, ${how}`,
    atMost,
    measured: { median: own.addedUs.median / other.addedUs.median, min: own.addedUs.min / other.addedUs.min },
  });
  return [
    goal("default clients", ours, theirs),
    goal("both autopipelining", oursAuto, theirsAuto),
    goal("our default beside its better setting", ours, best),
  ];
}

function scriptsPerRequest({ commands }: Compared): number {
  return rounded([...commands].reduce((sum, [name, calls]) => sum + (isScript(name) ? calls : 0), 0));
}

function commandsPerRequest({ commands }: Compared): number {
  return rounded([...commands.values()].reduce((sum, calls) => sum + calls, 0));
}

/** Requests under way when the count begins or ends belong to both sides of it. */
function rounded(calls: number): number {
  return Math.round(calls * 100) / 100;
}
