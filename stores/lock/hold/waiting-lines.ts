import { LockQueueFullError } from "../../errors.ts";
import type { LockStore } from "../contract.ts";
import type { Hold } from "./hold.ts";
import { WaitingLine, type Waiter } from "./waiting-line.ts";

/** The lines of all keys that somebody in this process waits for. */
export class WaitingLines {
  readonly #store: LockStore;
  readonly #maxWaiting: number;
  readonly #lines = new Map<string, WaitingLine>();
  #isListening = false;

  constructor(store: LockStore, maxWaiting: number) {
    this.#store = store;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws as {@link WaitingLine.join}, and {@link LockQueueFullError} at once where too many wait for the key */
  join(key: string, waiter: Waiter): Promise<Hold> {
    let line = this.#lines.get(key);
    if (!line) {
      this.#listen();
      line = new WaitingLine(this.#store.features.has("line"), () => this.#lines.delete(key));
      this.#lines.set(key, line);
    }
    if (line.size >= this.#maxWaiting) {
      throw new LockQueueFullError(`${this.#maxWaiting} callers wait for this lock already`);
    }
    return line.join(waiter);
  }

  /** For a lock that this process has given back. */
  wake(key: string): void {
    this.#lines.get(key)?.wake();
  }

  /** From the first caller that waits on, for as long as there is the store. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#store.onTurn?.((key) => this.wake(key));
  }
}
