import { LRUCache } from "lru-cache";
import type { StoredResponse } from "./stored-response.ts";

/** What came of a handler's run, for all who waited for it. */
export type Landed =
  /** With the request fields that it varies with, and what its own request had for them. */
  | {
      readonly outcome: "kept";
      readonly stored: StoredResponse;
      readonly names: readonly string[];
      readonly values: readonly string[];
    }
  /**
   * `unfit`: only its own client may have it. `failed`: there is none; the next one may do better. `late`: nobody waits
   * for it any longer.
   */
  | { readonly outcome: "unfit" | "failed" | "late" };

/** How long requests wait for a handler that runs for another one, before they run their own. */
export const WAIT_MS = 5_000;

/** For so long requests of a key whose response is nobody else's go on without waiting for each other. */
const PASS_MS = 10_000;
const MOST_PASSES = 10_000;

/**
 * The handler's runs under way in this process, by the key that they fill: one request runs, others wait. A key whose
 * response turned out to be unfit for others is passed for a while (hit-for-miss), so that nobody queues in vain.
 */
export class Flights {
  readonly #underWay = new Map<string, Promise<Landed>>();
  readonly #passes = new LRUCache<string, true>({ max: MOST_PASSES, ttl: PASS_MS });

  get(key: string): Promise<Landed> | undefined {
    return this.#underWay.get(key);
  }

  /** Whether requests of this key are not to wait for each other. */
  isPassed(key: string): boolean {
    return this.#passes.has(key);
  }

  /** Lets others wait for a run; rejects as it does, while for the others it has failed. */
  async start(key: string, run: () => Promise<Landed>): Promise<void> {
    const running = run();
    const leave = (): void => {
      if (this.#underWay.get(key) === flight) this.#underWay.delete(key);
    };
    const flight = new Promise<Landed>((resolve) => {
      // A handler that never ends would else hold its key for ever.
      const late = setTimeout(() => {
        leave();
        resolve({ outcome: "late" });
      }, WAIT_MS).unref();
      const land = (landed: Landed): void => {
        clearTimeout(late);
        leave();
        this.note(key, landed);
        resolve(landed);
      };
      running.then(land, () => land({ outcome: "failed" }));
    });
    this.#underWay.set(key, flight);
    await running;
  }

  note(key: string, { outcome }: Landed): void {
    if (outcome === "kept") this.#passes.delete(key);
    else if (outcome === "unfit") this.#passes.set(key, true);
  }
}
