import { AsyncLocalStorage } from "node:async_hooks";
import type { Lock } from "../lock.ts";
import type { Hold } from "./hold.ts";
import { LockHandle } from "./lock-handle.ts";

/** Which locks the code that runs now works under, through all that it awaits. */
export class Ownership {
  readonly #context = new AsyncLocalStorage<ReadonlyMap<string, Hold>>();

  /** The hold of `key` that the caller works under; one that was given back counts no more. */
  holdOf(key: string): Hold | undefined {
    const hold = this.#context.getStore()?.get(key);
    return hold?.isReleased ? undefined : hold;
  }

  /** Runs `work` under `lock`, and under all that the caller works under already. */
  run<Result>(lock: Lock, work: () => Result): Result {
    const holds = new Map(this.#context.getStore());
    for (const part of lock.parts) if (part instanceof LockHandle) holds.set(part.key, part.hold);
    return this.#context.run(holds, work);
  }
}
