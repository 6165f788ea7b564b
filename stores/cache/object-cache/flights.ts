/** What this process is making now, by key: whoever asks for the same joins. */
export class Flights<Result> {
  readonly #byKey = new Map<string, Promise<Result>>();

  get(key: string): Promise<Result> | undefined {
    return this.#byKey.get(key);
  }

  /** Begins one in place of any other of this key. It is over before anybody learns its outcome. */
  start(key: string, run: () => Promise<Result>): Promise<Result> {
    const flight: Promise<Result> = run().finally(() => this.forget(key, flight));
    this.#byKey.set(key, flight);
    return flight;
  }

  /** Lets nobody join any longer; those who have wait on. */
  forget(key: string, flight: Promise<Result> | undefined = this.#byKey.get(key)): void {
    if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
  }

  forgetAll(): void {
    this.#byKey.clear();
  }
}
