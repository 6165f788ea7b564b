import type { Algorithm } from "../algorithms/algorithm.ts";
import {
  composeScript,
  formatOf,
  lines,
  livesOf,
  packState,
  readState,
  stateOf,
  type CompositionOptions,
  type Part,
} from "./lua-composition.ts";

/**
 * The script that answers questions about one set of policies, in their order, each as if it were a script of its own.
 *
 * KEYS  for each question its state and the end of its key's block; then, for each question, a sorted set for each
 *       sliding-log and concurrency policy
 * ARGV  for each question `consume`, `peek` or `charge` (take without asking), its cost, and the name of its units
 * Returns for each question an error, or one string of 8-byte doubles (ioredis reads a string ten times as fast as as
 *       many integers): the time, the policies' state, and, unless units were taken of a set without sorted sets, what
 *       its policies tell beside it and what is left of a block (microseconds; -1 where units were taken)
 */
export function composeConsume(algorithms: readonly Algorithm[], options: CompositionOptions = {}): string {
  return composeScript(algorithms, options, consume);
}

function consume(parts: readonly Part[]): string {
  const sets = parts.filter(({ told }) => told.length > 0).length;
  const fits = parts.map((_, at) => `fits_${at + 1}`).join(" and ");
  return `local count = #KEYS / ${2 + sets}
local found = redis.call('MGET', unpack(KEYS, 1, count * 2))
-- Read once and written once, however many questions a key has.
local states, lives, replies = {}, {}, {}
for question = 1, count do
  local key, block = KEYS[question * 2 - 1], found[question * 2]
  local mode, cost, holder = ARGV[question * 3 - 2], tonumber(ARGV[question * 3 - 1]), ARGV[question * 3]
  local sets, reply, failure = count * 2 + (question - 1) * ${sets}
  repeat
    local packed = states[key] or found[question * 2 - 1]
    ${readState(parts)}
    ${declareTold(parts)}
    ${lines(parts, ({ lua, fill }) => fill(lua.forward))}
    ${parts.map(({ lua, fill }, at) => `local fits_${at + 1} = ${fill(lua.fits)}`).join("\n")}
    local blocked = block and max(0, (tonumber(block) or 0) - now) or 0
    local taken = mode == 'charge' or (mode == 'consume' and blocked == 0 and ${fits})
    if taken then
      ${lines(parts, ({ lua, fill }) => fill(lua.take))}
      ${keepState(parts)}
      ${sets === 0 ? "reply = states[key]" : "blocked = -1"}
    end
    ${lines(parts, ({ lua, fill }) => fill(lua.told?.find))}
    ${healExpiries(parts, sets)}
    ${sets === 0 ? "if not reply then" : "do"} reply = ${packReply(parts)} end
  until true
  replies[question] = failure or reply
end
for key, state in pairs(states) do redis.call('SET', key, state, 'PX', milliseconds(lives[key])) end
return replies
`;
}

function declareTold(parts: readonly Part[]): string {
  const names = parts.flatMap(({ told }) => told);
  return names.length === 0 ? "" : `local ${names.join(", ")} = ${names.map(() => "0").join(", ")}`;
}

function keepState(parts: readonly Part[]): string {
  if (stateOf(parts).length === 1) return "";
  return `states[key], lives[key] = ${packState(parts)}, ${livesOf(parts)}`;
}

function packReply(parts: readonly Part[]): string {
  const [, ...state] = stateOf(parts);
  const told = parts.flatMap((part) => part.told);
  const all = ["now", ...state, ...told, "blocked"];
  return `struct.pack('${formatOf(all.length)}', ${all.join(", ")})`;
}

/** A key without an expiry, which these scripts never leave, would stay for ever. What was just taken has one anew. */
function healExpiries(parts: readonly Part[], sets: number): string {
  const windows = parts.flatMap(({ told, fill }) => (told.length > 0 ? [fill("$WINDOW")] : []));
  const longest = [livesOf(parts), "blocked", ...windows].join(", ");
  return `if block or not taken then
  local longest = max(${longest})
  ${healExpiry("question * 2 - 1", "question * 2")}
  ${sets === 0 ? "" : healExpiry("sets + 1", `sets + ${sets}`)}
end`;
}

function healExpiry(first: string, last: string): string {
  return `for kept = ${first}, ${last} do
    if redis.call('PTTL', KEYS[kept]) == -1 then redis.call('PEXPIRE', KEYS[kept], milliseconds(longest)) end
  end`;
}
