import { sendAtEndOfTurn } from "./end-of-turn.ts";

/**
 * Batches by the group that may share a command, each sent at the end of the turn of the event loop in which it was
 * opened, unless it is taken out before.
 */
export class TurnBatches<Group, Batch> {
  readonly #send: (batch: Batch) => unknown;
  readonly #open = new Map<Group, Batch>();

  constructor(send: (batch: Batch) => unknown) {
    this.#send = send;
  }

  get(group: Group): Batch | undefined {
    return this.#open.get(group);
  }

  open(group: Group, batch: Batch): void {
    if (this.#open.size === 0) sendAtEndOfTurn(() => this.sendAll());
    this.#open.set(group, batch);
  }

  /** Sends one that is full at once. */
  sendNow(group: Group): void {
    const batch = this.#open.get(group);
    this.#open.delete(group);
    if (batch !== undefined) this.#send(batch);
  }

  sendAll(): void {
    const batches = [...this.#open.values()];
    this.#open.clear();
    for (const batch of batches) this.#send(batch);
  }
}
