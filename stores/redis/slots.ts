import { slotOn, type RedisClient } from "./server-of.ts";

/**
 * Which keys one command may name: all, but those of one slot only on a Cluster, and from the first `CROSSSLOT` on, which
 * a single node of a cluster, or a proxy before one, replies to a plain client.
 */
export class Slots {
  readonly #client: RedisClient;
  #apart: boolean;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#apart = client.isCluster;
  }

  /** Keys with the same number may stand in one command. */
  groupOf(key: string): number {
    return this.#apart ? slotOn(this.#client, key) : 0;
  }

  /** Whether a command has named too many slots, which is remembered; it has done nothing. */
  isCrossed(error: unknown): boolean {
    if (!(error instanceof Error && error.message.startsWith("CROSSSLOT"))) return false;
    this.#apart = true;
    return true;
  }

  /** Runs a command once for each group of `keys`, all at the same time. */
  async inGroups(
    keys: readonly string[],
    run: (group: readonly [string, ...string[]]) => Promise<void>,
  ): Promise<void> {
    const groups = new Map<number, [string, ...string[]]>();
    for (const key of keys) {
      const group = groups.get(this.groupOf(key));
      if (group) group.push(key);
      else groups.set(this.groupOf(key), [key]);
    }
    try {
      await Promise.all([...groups.values()].map(run));
    } catch (error) {
      if (groups.size > 1 || keys.length < 2 || !this.isCrossed(error)) throw error;
      await this.inGroups(keys, run);
    }
  }
}
