import type { RedisAccess } from "../../redis/access.ts";
import type { RedisScript } from "../../redis/script.ts";
import type { RedisClient } from "../../redis/server-of.ts";
import { Slots } from "../../redis/slots.ts";
import { TurnBatches } from "../../redis/turn-batches.ts";

type Arg = string | number | Buffer;

/** What a script is told of one session: keys of one slot, and arguments. */
export interface Question {
  readonly keys: readonly [string, ...string[]];
  readonly args: readonly Arg[];
}

/** What it says of it. */
export interface Answer {
  readonly reply: unknown;
  /** The server's clock, milliseconds. */
  readonly now: number;
}

interface Waiting {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface BatchOptions {
  readonly script: RedisScript<readonly Arg[], readonly unknown[]>;
  /** The arguments before those of the first session. */
  readonly shared: () => readonly number[];
  /** So many at once: what a server does together, it does before all else. */
  readonly mostAtOnce: number;
}

/**
 * Sends what is asked about sessions in one turn of the event loop as one script, for each group of slots: under load a
 * command for each is the largest part of what it costs, on both sides. What fails of one session, fails alone.
 */
export class ScriptBatches {
  readonly #redis: RedisAccess;
  readonly #options: BatchOptions;
  readonly #slots: Slots;
  readonly #batches = new TurnBatches<number, Waiting[]>((batch) => this.#send(batch));

  constructor(redis: RedisAccess, options: BatchOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#slots = new Slots(redis.client);
  }

  /** Rejects as the guard does. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => this.#add({ question, resolve, reject }));
  }

  #add(waiting: Waiting): void {
    const group = this.#slots.groupOf(waiting.question.keys[0]);
    const batch = this.#batches.get(group);
    if (batch) batch.push(waiting);
    else this.#batches.open(group, [waiting]);
    if (batch?.length === this.#options.mostAtOnce) this.#batches.sendNow(group);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch;
    if (!first) return;
    try {
      const [now, ...replies] = await this.#redis.guarded(first.question.keys[0], (client) =>
        this.#run(client, batch),
      );
      for (const [at, waiting] of batch.entries()) {
        const reply = replies[at];
        // Refused before its first write, so asked again alone it meets the same, and the guard says what it means.
        if (reply instanceof Error) void this.#send([waiting]);
        else waiting.resolve({ reply, now: Number(now) });
      }
    } catch (error) {
      if (batch.length > 1 && this.#slots.isCrossed(error)) for (const waiting of batch) this.#add(waiting);
      else for (const { reject } of batch) reject(error);
    }
  }

  async #run(client: RedisClient, batch: readonly Waiting[]): Promise<readonly unknown[]> {
    const keys: string[] = [];
    const args: Arg[] = [...this.#options.shared()];
    for (const { question } of batch) {
      keys.push(...question.keys);
      args.push(...question.args);
    }
    const replies = await this.#options.script.run(client, keys, args);
    if (batch.length === 1 && replies[1] instanceof Error) throw replies[1];
    return replies;
  }
}
