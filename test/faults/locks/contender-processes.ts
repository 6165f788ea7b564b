import { setTimeout as pause } from "node:timers/promises";
import { useProcesses, type OrderedProcess } from "../../support/processes.ts";
import type { Section } from "./history.ts";

/** What a process of `contender-process.ts` can be told to do. */
export type Order =
  | {
      readonly kind: "connect";
      /** Where the register is, which no fault touches. */
      readonly registerUrl: string;
    }
  | { readonly kind: "contend"; readonly url: string; readonly keys: readonly string[] }
  /** Answers {@link Progress}. */
  | { readonly kind: "look" }
  /** Answers {@link Witness} once every caller has ended. */
  | { readonly kind: "finish" };

export interface Progress {
  readonly sections: number;
}

export interface Witness {
  readonly sections: readonly Section[];
  /** By code: those that waited in vain. */
  readonly failed: Readonly<Record<string, number>>;
  /** By how much the slowest caller waited for longer than it was willing to, less what the machine withheld. */
  readonly worstOverdueMs: number;
  /** Writes that the register refused. */
  readonly refused: number;
}

export type Contender = OrderedProcess<Order>;

export const TTL_MS = 400;
export const WAIT_MS = 1500;
export const CALLERS_PER_KEY = 3;

const script = new URL("contender-process.ts", import.meta.url);

export function useContenders(count: number, registerUrl: () => string): () => readonly Contender[] {
  return useProcesses<Order>(script, count, () => ({ kind: "connect", registerUrl: registerUrl() }));
}

/** Waits until every process has done work under `more` locks from now on. */
export async function progress(contenders: readonly Contender[], more: number): Promise<void> {
  const counts = async (): Promise<number[]> =>
    Promise.all(
      contenders.map(async (contender) => (await contender.order<Progress>({ kind: "look" })).sections),
    );
  const wanted = (await counts()).map((sections) => sections + more);
  while ((await counts()).some((sections, at) => sections < (wanted[at] ?? 0))) await pause(20);
}

export async function contend(
  contenders: readonly Contender[],
  { url, keys }: { readonly url: string; readonly keys: readonly string[] },
  meanwhile: () => Promise<void>,
): Promise<readonly Witness[]> {
  await Promise.all(contenders.map((contender) => contender.order({ kind: "contend", url, keys })));
  await meanwhile();
  return Promise.all(contenders.map((contender) => contender.order<Witness>({ kind: "finish" })));
}
