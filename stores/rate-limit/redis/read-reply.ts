import { algorithmsOf } from "../algorithms/algorithm-of.ts";
import type { PolicySet, RateLimitDecision } from "../contract.ts";
import { decisionOf } from "../decision.ts";

/** Where in a reply's numbers each policy's own are, and how many there are; worked out once per set. */
interface ReplyLayout {
  readonly policies: readonly { readonly state: Span; readonly told: Span }[];
  readonly stateNumbers: number;
  readonly allNumbers: number;
}

interface Span {
  readonly from: number;
  readonly count: number;
}

/** What `rate-limit.consume` returned for one question, as a decision. */
export function readReply(
  reply: Buffer,
  policies: PolicySet,
  { cost, holder }: { cost: number; holder: string },
): RateLimitDecision {
  const { policies: places, stateNumbers, allNumbers } = policies.made(layoutOf);
  const number = (index: number): number => reply.readDoubleLE(index * 8);
  const told = places.map(({ state, told: beside }) => {
    const numbers: number[] = [];
    for (let at = 0; at < state.count; at++) numbers.push(number(state.from + at));
    for (let at = 0; at < beside.count; at++) numbers.push(number(beside.from + at));
    return numbers;
  });
  // The state alone comes back where it was written, and nothing else is told.
  const blocked = reply.length === stateNumbers * 8 ? -1 : number(allNumbers - 1);
  const taken = blocked === -1;
  return decisionOf(policies, { told, cost, now: number(0), holder, taken, blocked: Math.max(0, blocked) });
}

function layoutOf(policies: PolicySet): ReplyLayout {
  const algorithms = policies.made(algorithmsOf);
  const stateNumbers = 1 + algorithms.reduce((sum, { lua }) => sum + lua.state.length, 0);
  let stateFrom = 1;
  let toldFrom = stateNumbers;
  const places = algorithms.map(({ lua }) => {
    const state = { from: stateFrom, count: lua.state.length };
    const told = { from: toldFrom, count: lua.told?.names.length ?? 0 };
    stateFrom += state.count;
    toldFrom += told.count;
    return { state, told };
  });
  return { policies: places, stateNumbers, allNumbers: toldFrom + 1 };
}
