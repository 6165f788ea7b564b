import { replyPrefix } from "../../../telemetry/error-code.ts";
import type { RedisAccess } from "../../redis/access.ts";
import { TurnBatches } from "../../redis/turn-batches.ts";
import type { SetScripts } from "./set-scripts.ts";

/**
 * So many decisions keep Redis, which does one thing at a time, for a fraction of a millisecond; sliding logs asked for
 * thousands of units keep it longer, as they would one by one.
 */
const MOST_AT_ONCE = 64;

/** What is asked of one key, as `rate-limit.consume` takes it for each question. */
export interface Question {
  /** Its state and its block, then a sorted set for each policy that keeps its units one by one. */
  readonly keys: readonly [state: string, block: string, ...sets: string[]];
  readonly args: readonly [mode: "consume" | "peek" | "charge", cost: number, holder: string];
}

interface Waiting extends Question {
  readonly resolve: (reply: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

interface Batch {
  readonly scripts: SetScripts;
  readonly waiting: [Waiting, ...Waiting[]];
}

/**
 * Sends the questions of one turn of the event loop as one script for each set of policies: under load a command for
 * each is the largest part of what asking Redis costs, on both sides. Questions are answered in the order in which they
 * were asked, and one that fails, fails alone. A lone question waits for nothing but what is already due.
 *
 * A server that cannot write for now (`OOM`, `READONLY`) refuses a script at its first write, so a batch with one
 * question that takes would fail those that only read as well: each is asked again alone, once.
 *
 * Where a script may use keys of one slot only, questions share it with those of their own key alone: on a Cluster, and
 * from the first `CROSSSLOT` on, which a single node of a cluster, or a proxy before one, replies to a plain client.
 */
export class ConsumeBatches {
  readonly #redis: RedisAccess;
  readonly #batches = new TurnBatches<string, Batch>((batch) => this.#send(batch));
  #apart: boolean;

  constructor(redis: RedisAccess) {
    this.#redis = redis;
    this.#apart = redis.client.isCluster;
  }

  /** The reply to one question; rejects as the guard does, and without waiting where its breaker is open. */
  ask(scripts: SetScripts, { keys, args }: Question): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#redis.assertOpen(keys[0]);
      this.#add(scripts, { keys, args, resolve, reject });
    });
  }

  /** Sends what waits for the end of the turn, so that a command sent now comes after it. */
  sendAll(): void {
    this.#batches.sendAll();
  }

  #add(scripts: SetScripts, waiting: Waiting): void {
    // The state's key has the set of policies in its name.
    const group = this.#apart ? waiting.keys.join() : scripts.stateSuffix;
    const batch = this.#batches.get(group);
    if (batch) batch.waiting.push(waiting);
    else this.#batches.open(group, { scripts, waiting: [waiting] });
    if (batch?.waiting.length === MOST_AT_ONCE) this.#batches.sendNow(group);
  }

  async #send({ scripts, waiting }: Batch): Promise<void> {
    const states: string[] = [];
    const sets: string[] = [];
    const args: (string | number)[] = [];
    for (const { keys, args: asked } of waiting) {
      const [state, block, ...own] = keys;
      states.push(state, block);
      sets.push(...own);
      args.push(...asked);
    }
    try {
      const replies = await this.#redis.guarded(waiting[0].keys[0], (client) =>
        scripts.consume.run(client, [...states, ...sets], [...args, ...scripts.lastArgs]),
      );
      for (const [at, { resolve, reject }] of waiting.entries()) {
        const reply = replies[at];
        if (Buffer.isBuffer(reply)) resolve(reply);
        else reject(reply);
      }
    } catch (error) {
      if (isCrossSlot(error) && ofSeveralKeys(waiting)) {
        // Told before the script ran: nothing is taken yet.
        this.#apart = true;
        for (const question of waiting) this.#add(scripts, question);
        return;
      }
      if (isRefusedWrite(error) && waiting.length > 1) {
        for (const question of waiting) void this.#send({ scripts, waiting: [question] });
        return;
      }
      for (const { reject } of waiting) reject(error);
    }
  }
}

function ofSeveralKeys([first, ...others]: readonly Waiting[]): boolean {
  return others.some(({ keys }) => keys[0] !== first?.keys[0]);
}

function isCrossSlot(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("CROSSSLOT");
}

/** Redis checks these before a script's first write, and after it no more: nothing is taken yet. */
const REFUSED_WRITES: ReadonlySet<string | undefined> = new Set(["MISCONF", "NOREPLICAS", "OOM", "READONLY"]);

/** The guard hides what Redis said behind its own error, as the cause. */
function isRefusedWrite(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof Error && REFUSED_WRITES.has(replyPrefix(cause));
}
