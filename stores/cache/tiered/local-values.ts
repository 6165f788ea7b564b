import { LRUCache } from "lru-cache";

/** A value's bytes, or a tag's stamp. */
export type LocalValue = Buffer | string;

interface Entry {
  readonly value: LocalValue;
  readonly expiresAt: number;
}

/** Stands for a key while it is read elsewhere; one that an invalidation has overtaken keeps nothing. */
export interface Placeholder {
  readonly key: string;
  overtaken: boolean;
  readers: number;
}

/** What an entry takes beside its value and its key, about. */
const ENTRY_BYTES = 200;

/** Copies, in this process, of what is kept elsewhere. Bounded by bytes; the copy unused for longest goes first. */
export class LocalValues {
  readonly #entries: LRUCache<string, Entry>;
  readonly #underWay = new Map<string, Placeholder>();
  readonly #now: () => number;

  constructor(maxBytes: number, now: () => number) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ value }, key) => ENTRY_BYTES + value.length + key.length,
    });
    this.#now = now;
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get(key: string): LocalValue | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.#now()) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** To be called before a key is asked for elsewhere, and followed by {@link settle} in any case. */
  expect(key: string): Placeholder {
    let placeholder = this.#underWay.get(key);
    if (!placeholder) this.#underWay.set(key, (placeholder = { key, overtaken: false, readers: 0 }));
    placeholder.readers += 1;
    return placeholder;
  }

  /** Keeps what was read until `expiresAt`, unless it was invalidated meanwhile; undefined keeps nothing. */
  settle(placeholder: Placeholder, value: LocalValue | undefined, expiresAt: number): void {
    const { key, overtaken } = placeholder;
    placeholder.readers -= 1;
    if (overtaken) return;
    if (placeholder.readers === 0) this.#underWay.delete(key);
    if (value === undefined || expiresAt <= this.#now()) return;
    this.#entries.set(key, { value: typeof value === "string" ? value : compact(value), expiresAt });
  }

  drop(key: string): void {
    this.#entries.delete(key);
    const placeholder = this.#underWay.get(key);
    if (!placeholder) return;
    placeholder.overtaken = true;
    this.#underWay.delete(key);
  }

  flush(): void {
    this.#entries.clear();
    for (const placeholder of this.#underWay.values()) placeholder.overtaken = true;
    this.#underWay.clear();
  }
}

/** A reply is a view of all that its socket gave at once, which would be held as long as the value. */
function compact(value: Buffer): Buffer {
  if (value.buffer.byteLength === value.length) return value;
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy;
}
