import { printed } from "../../options.ts";

/**
 * Loads several values at once: made by key. A key that is absent from it is missing, and nothing is kept of it; a null
 * says that there is no such thing, and is kept.
 */
export type ManyLoader<Value> = (
  keys: readonly string[],
  context: { readonly signal: AbortSignal },
) => Promise<ReadonlyMap<string, Value | null>> | ReadonlyMap<string, Value | null>;

interface Question<Value> {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly resolve: (value: Value | null | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers the loads of one call into one call of its loader: of all keys that this call leads, once it is known of each
 * whether it does. A key that must be loaded later, as its leader elsewhere has died, is asked for then.
 */
export class Gathering<Value> {
  readonly #loadMany: ManyLoader<Value>;
  readonly #undecided: Set<string>;
  readonly #questions: Question<Value>[] = [];
  #sending = false;

  constructor(loadMany: ManyLoader<Value>, keys: readonly string[]) {
    this.#loadMany = loadMany;
    this.#undecided = new Set(keys);
  }

  /** Loads this key, with the others. */
  ask(key: string, signal: AbortSignal): Promise<Value | null | undefined> {
    return new Promise((resolve, reject) => {
      this.#questions.push({ key, signal, resolve, reject });
      this.pass(key);
    });
  }

  /** Nobody need wait for this key: it comes from elsewhere, or later. */
  pass(key: string): void {
    this.#undecided.delete(key);
    if (this.#undecided.size > 0 || this.#questions.length === 0 || this.#sending) return;
    this.#sending = true;
    // Replies of the store that came together ask in one turn.
    setImmediate(() => {
      this.#sending = false;
      void this.#send(this.#questions.splice(0));
    });
  }

  async #send(questions: readonly Question<Value>[]): Promise<void> {
    const [first] = questions;
    if (!first) return;
    try {
      const keys = questions.map(({ key }) => key);
      const values = await this.#loadMany(keys, { signal: first.signal });
      if (typeof values?.get !== "function") {
        const given = printed(values);
        throw new TypeError(`ObjectCache.getOrLoadMany: loader must make a Map, not ${given}`);
      }
      for (const { key, resolve } of questions) resolve(values.get(key));
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }
}
