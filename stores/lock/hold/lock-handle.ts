import { LockLostError } from "../../errors.ts";
import { assertLockTtlMs } from "./lock-options.ts";
import type { LockRelease } from "../contract.ts";
import type { Lock } from "../lock.ts";
import type { Hold } from "./hold.ts";

/** One claim to a hold, as its caller sees it. */
export class LockHandle implements Lock {
  readonly hold: Hold;
  #released: Promise<LockRelease> | undefined;

  constructor(hold: Hold) {
    this.hold = hold;
  }

  get key(): string {
    return this.hold.terms.key;
  }

  get fence(): number {
    const { fence } = this.hold.terms;
    if (fence === undefined) throw new TypeError("this lock store has no fencing tokens");
    return fence;
  }

  get parts(): readonly [LockHandle] {
    return [this];
  }

  get signal(): AbortSignal {
    return this.hold.signal;
  }

  isValid(): boolean {
    return this.#released === undefined && this.hold.isValid();
  }

  assertValid(): void {
    if (this.#released !== undefined) throw new LockLostError("the lock was released");
    this.hold.assertValid();
  }

  async extend(ttlMs: number = this.hold.terms.ttlMs): Promise<boolean> {
    assertLockTtlMs(ttlMs);
    return this.#released === undefined && this.hold.extend(ttlMs);
  }

  release(): Promise<LockRelease> {
    return (this.#released ??= this.hold.drop());
  }
}
