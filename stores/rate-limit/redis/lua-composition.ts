import type { Algorithm, LuaFragment } from "../algorithms/algorithm.ts";

/** Where scripts have the time from: the server's clock, in whole microseconds. A test brings its own. */
export const SERVER_CLOCK: string = `local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]`;

const PRELUDE = `local max, min, floor, ceil, text = math.max, math.min, math.floor, math.ceil, string.format

-- An expiry that Redis takes, which reads no number with an exponent.
local function milliseconds(microseconds)
  return max(1, min(ceil(microseconds / 1000), 1e15))
end`;

export interface CompositionOptions {
  readonly clock?: string;
  /**
   * `constants` writes the policies' numbers into the script: one script for each set of policies. `arguments` reads
   * them from the last argument, a JSON array: one for each sequence of algorithms, and slower.
   */
  readonly numbers?: "constants" | "arguments";
}

/** One policy's fragment, with names of its own, ready to stand in a script beside others. */
export interface Part {
  readonly lua: LuaFragment;
  /** Its numbers in the state, then those it tells beside them, by their names in the script. */
  readonly state: readonly string[];
  readonly told: readonly string[];
  readonly fill: (text: string | undefined) => string;
}

/** A script of fragments: what `body` makes of them, behind the words and the time that all scripts begin with. */
export function composeScript(
  algorithms: readonly Algorithm[],
  { clock = SERVER_CLOCK, numbers = "constants" }: CompositionOptions,
  body: (parts: readonly Part[]) => string,
): string {
  const readNumbers = numbers === "arguments" ? "local numbers = cjson.decode(ARGV[#ARGV])" : "";
  return `${PRELUDE}
${clock}
${readNumbers}
${body(partsOf(algorithms, numbers))}`;
}

function partsOf(algorithms: readonly Algorithm[], numbers: "constants" | "arguments"): Part[] {
  let setsBefore = 0;
  let constantsBefore = 0;
  return algorithms.map(({ lua }, at) => {
    const set = lua.told === undefined ? "" : `KEYS[sets + ${(setsBefore += 1)}]`;
    const first = constantsBefore;
    constantsBefore += Object.keys(lua.constants).length;
    const constants = new Map(
      Object.entries(lua.constants).map(([name, value], index) => [
        name,
        numbers === "constants" ? literal(value) : `numbers[${first + index + 1}]`,
      ]),
    );
    const nameOf = (name: string): string =>
      name === "set" ? set : (constants.get(name) ?? `${name}_${at + 1}`);
    return {
      lua,
      state: lua.state.map(nameOf),
      told: (lua.told?.names ?? []).map(nameOf),
      fill: (text = "") => text.trim().replaceAll(/\$(\w+)/g, (_, name: string) => nameOf(name)),
    };
  });
}

/** The numbers of a set's policies in the order in which a script with `arguments` reads them. */
export function numbersOf(algorithms: readonly Algorithm[]): string {
  return JSON.stringify(algorithms.flatMap(({ lua }) => Object.values(lua.constants)));
}

/** Lua reads every finite number that JavaScript writes; one beyond all bounds stays beyond them. */
function literal(value: number): string {
  return Number.isFinite(value) ? String(value) : "math.huge";
}

/** The names of the numbers that the state of a key is made of, in their order. */
export function stateOf(parts: readonly Part[]): string[] {
  return ["at", ...parts.flatMap(({ state }) => state)];
}

/**
 * Reads a key's state out of `packed`, and brings it forward to `now`.
 *
 * The state is one string of 8-byte doubles: when it was written, then each policy's numbers. A string of another length,
 * and one with a number that is none, is no state. A clock that went back by a little frees nobody; by more than a
 * policy remembers, it ends what that policy counts, so that nobody stays refused.
 */
export function readState(parts: readonly Part[]): string {
  const names = stateOf(parts);
  const zeros = names.map(() => "0").join(", ");
  const list = names.join(", ");
  return `local ${list} = ${zeros}
if packed and #packed == ${names.length * 8} then
  ${list} = struct.unpack('${formatOf(names.length)}', packed)
  local sum = ${names.join(" + ")}
  if sum - sum ~= 0 then ${list} = ${zeros} end
end
local elapsed = now - at
if elapsed < 0 then
  local step = -elapsed
  elapsed = 0
  ${lines(parts, ({ lua, fill }) => fill(lua.back))}
end`;
}

export function packState(parts: readonly Part[]): string {
  const [, ...numbers] = stateOf(parts);
  return `struct.pack('${formatOf(numbers.length + 1)}', ${["now", ...numbers].join(", ")})`;
}

export function formatOf(count: number): string {
  return `<${"d".repeat(count)}`;
}

/** An expression: for how long the state is to be kept, microseconds. */
export function livesOf(parts: readonly Part[]): string {
  return `max(${["0", ...parts.map(({ lua, fill }) => fill(lua.lives))].filter(Boolean).join(", ")})`;
}

/** One line, or several, for each part that has any. */
export function lines(parts: readonly Part[], lineOf: (part: Part) => string): string {
  return parts.map(lineOf).filter(Boolean).join("\n");
}
