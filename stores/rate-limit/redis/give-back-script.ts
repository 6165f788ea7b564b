import type { Algorithm } from "../algorithms/algorithm.ts";
import {
  composeScript,
  lines,
  livesOf,
  packState,
  readState,
  type CompositionOptions,
  type Part,
} from "./lua-composition.ts";

/**
 * The script that gives units of one set of policies back, or lets them last.
 *
 * KEYS  as for one question of the script that consumes
 * ARGV  1: `refund` (what a receipt took), `reward` (what is used now), `release` or `renew` (concurrency alone),
 *       2: units, 3: the name of the receipt's units, 4: the receipt's time, then its mark for each policy
 * Returns 1
 */
export function composeGiveBack(algorithms: readonly Algorithm[], options: CompositionOptions = {}): string {
  return composeScript(algorithms, options, giveBackUnits);
}

function giveBackUnits(parts: readonly Part[]): string {
  const counting = parts.filter(({ state }) => state.length > 0);
  return `local mode, units, holder, taken_at = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local sets = 2
if mode == 'release' then
  ${giveBack(parts, "release")}
elseif mode == 'renew' then
  ${giveBack(parts, "renew")}
else
  ${counting.length === 0 ? "" : readCounting(counting)}
  if mode == 'refund' then
    ${giveBack(parts, "refund")}
  else
    ${giveBack(parts, "reward")}
  end
  ${counting.length === 0 ? "" : keepCounting(counting)}
end
return 1
`;
}

function giveBack(parts: readonly Part[], mode: "refund" | "reward" | "release" | "renew"): string {
  return parts
    .map(({ lua, fill }, at) => {
      const statements = fill(lua[mode]);
      return statements === "" ? "" : `do local mark = tonumber(ARGV[${5 + at}])\n${statements}\nend`;
    })
    .filter(Boolean)
    .join("\n");
}

function readCounting(parts: readonly Part[]): string {
  return `local packed = redis.call('GET', KEYS[1])
${readState(parts)}
${lines(parts, ({ lua, fill }) => fill(lua.forward))}`;
}

function keepCounting(parts: readonly Part[]): string {
  return `local lives = ${livesOf(parts)}
if packed and lives > 0 then
  redis.call('SET', KEYS[1], ${packState(parts)}, 'PX', milliseconds(lives))
elseif packed then
  redis.call('DEL', KEYS[1])
end`;
}
