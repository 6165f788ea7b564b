import { createHash } from "node:crypto";
import { defineScript, type RedisScript } from "../../redis/script.ts";
import { warnOnce } from "../../../telemetry/warn-once.ts";
import { algorithmsOf } from "../algorithms/algorithm-of.ts";
import { capacityOf } from "../policy.ts";
import type { PolicySet } from "../contract.ts";
import { composeConsume } from "./consume-script.ts";
import { numbersOf, type CompositionOptions } from "./lua-composition.ts";
import { composeGiveBack } from "./give-back-script.ts";

type Argument = string | number;

/** The scripts of one set of policies, and what they take. */
export interface SetScripts {
  readonly consume: RedisScript<Argument[], (Buffer | Error)[]>;
  readonly giveBack: RedisScript<Argument[], number>;
  /** Arguments behind all others: the policies' numbers, where they do not stand in the scripts. */
  readonly lastArgs: readonly Argument[];
  /** Short whatever the names are, and the same in every process that asks the same policies. */
  readonly stateSuffix: string;
  /** What the keys of the policies that keep their units one by one end with. */
  readonly setSuffixes: readonly string[];
  readonly hasConcurrency: boolean;
  /** The highest cost that can ever pass. */
  readonly mostAtOnce: number;
}

/**
 * Redis keeps every script it has seen, so their number must be bounded. Sets of policies are few as a rule; a process
 * that makes so many goes on with scripts that read the numbers as arguments, one for each sequence of algorithms, which
 * cost Redis about a tenth more.
 */
const MOST_SETS = 300;
const setIds = new Set<string>();

export function scriptsOf(policies: PolicySet): SetScripts {
  if (setIds.size < MOST_SETS || setIds.has(policies.id)) {
    setIds.add(policies.id);
    return composeScripts(policies);
  }
  warnOnce(
    "ERS_MANY_POLICY_SETS",
    `more than ${MOST_SETS} different sets of rate-limit policies were made; further ones share slower scripts`,
  );
  return composeScripts(policies, { numbers: "arguments" });
}

export function composeScripts(policies: PolicySet, options: CompositionOptions = {}): SetScripts {
  const { id, list } = policies;
  const algorithms = policies.made(algorithmsOf);
  const tag = createHash("sha256").update(id).digest("base64url").slice(0, 8);
  return {
    consume: defineScript("rate-limit.consume", "any", composeConsume(algorithms, options), "bytes"),
    giveBack: defineScript("rate-limit.give-back", "any", composeGiveBack(algorithms, options)),
    lastArgs: options.numbers === "arguments" ? [numbersOf(algorithms)] : [],
    stateSuffix: `:${tag}`,
    setSuffixes: algorithms.flatMap(({ lua }, at) => (lua.told ? [`:${tag}:${at}`] : [])),
    hasConcurrency: list.some(({ algorithm }) => algorithm === "concurrency"),
    mostAtOnce: Math.min(...list.map(capacityOf)),
  };
}
