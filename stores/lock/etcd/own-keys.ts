import { keepTrying } from "../../keep-trying.ts";
import { LONGEST_TIMER_MS } from "../../options.ts";

/** A key that this process has put. Times are by `performance.now()`. */
export interface OwnKey {
  /** At which it was put last. */
  readonly revision: number;
  /** At which it was put first. */
  readonly fence: number;
  readonly limit: number;
  readonly endsAt: number;
  /** When etcd takes it away by itself. */
  readonly leaseUntil: number;
}

/**
 * Ends keys at their time, to the millisecond, which leases cannot: they count seconds, and are there for the death of
 * this process. One that cannot be taken away then is tried again until its lease ends it.
 */
export class OwnKeys {
  readonly #keys = new Map<string, OwnKey>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #remove: (name: string, revision: number) => Promise<unknown>;
  readonly #onEnd: (name: string) => void;

  /**
   * @param remove takes a key away where it is still as it was put at that revision
   * @param onEnd told of each whose time is over
   */
  constructor(remove: (name: string, revision: number) => Promise<unknown>, onEnd: (name: string) => void) {
    this.#remove = remove;
    this.#onEnd = onEnd;
  }

  get(name: string): OwnKey | undefined {
    return this.#keys.get(name);
  }

  set(name: string, key: OwnKey): void {
    this.#keys.set(name, key);
    this.#watch(name, key);
  }

  delete(name: string): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    this.#keys.delete(name);
  }

  /** One whose time is not over. */
  live(name: string): OwnKey | undefined {
    const key = this.#keys.get(name);
    return key && key.endsAt > performance.now() ? key : undefined;
  }

  /** Whether the time of what was put at that revision is over, though it is still there; false of others' keys. */
  isOver(name: string, revision: number): boolean {
    const key = this.#keys.get(name);
    return key !== undefined && key.revision === revision && key.endsAt <= performance.now();
  }

  #watch(name: string, key: OwnKey): void {
    clearTimeout(this.#timers.get(name));
    const restMs = key.endsAt - performance.now();
    const look = (): void => (restMs > LONGEST_TIMER_MS ? this.#watch(name, key) : void this.#end(name, key));
    // A timer may fire a little early.
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(0, Math.ceil(restMs)));
    this.#timers.set(name, setTimeout(look, delayMs).unref());
  }

  async #end(name: string, key: OwnKey): Promise<void> {
    await keepTrying(async () => {
      if (this.#keys.get(name) === key) await this.#remove(name, key.revision);
    }, key.leaseUntil - performance.now());
    if (this.#keys.get(name) !== key) return;
    this.delete(name);
    this.#onEnd(name);
  }
}
