import type { LockRelease } from "../contract.ts";
import type { Lock } from "../lock.ts";
import type { LockHandle } from "./lock-handle.ts";

/** The worst comes first: it is what became of all of them together. */
const WORST: readonly LockRelease[] = ["taken", "expired", "released"];

/** Several locks as one: it holds while all of them do. */
export class LockSet implements Lock {
  readonly parts: readonly LockHandle[];
  #signal: AbortSignal | undefined;
  #released: Promise<LockRelease> | undefined;

  constructor(parts: readonly LockHandle[]) {
    this.parts = parts;
  }

  get key(): string {
    return this.parts.map(({ key }) => key).join(", ");
  }

  get fence(): number {
    return Math.max(...this.parts.map(({ fence }) => fence));
  }

  get signal(): AbortSignal {
    return (this.#signal ??= AbortSignal.any(this.parts.map(({ signal }) => signal)));
  }

  isValid(): boolean {
    return this.parts.every((part) => part.isValid());
  }

  assertValid(): void {
    for (const part of this.parts) part.assertValid();
  }

  async extend(ttlMs?: number): Promise<boolean> {
    const extended = await Promise.all(this.parts.map((part) => part.extend(ttlMs)));
    return extended.every(Boolean);
  }

  release(): Promise<LockRelease> {
    return (this.#released ??= this.#releaseAll());
  }

  async #releaseAll(): Promise<LockRelease> {
    const releases = await Promise.allSettled(this.parts.map((part) => part.release()));
    const failed = releases.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    const outcomes = releases.map((release) => (release.status === "fulfilled" ? release.value : "expired"));
    return WORST.find((outcome) => outcomes.includes(outcome)) ?? "released";
  }
}
