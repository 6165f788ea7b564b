interface Awaited {
  readonly key: string;
  owner: string;
  /** Of further managers of the store; a manager asks for one owner at a time, so there hardly ever are any. */
  others: Set<string> | undefined;
}

const NOBODY: readonly string[] = [];

/** The keys that owners of this process are in line for, by the Redis keys of their locks, which is what a message names. */
export class AwaitedKeys {
  readonly #keys = new Map<string, Awaited>();

  add(lock: string, { key, owner }: { readonly key: string; readonly owner: string }): void {
    const awaited = this.#keys.get(lock);
    if (!awaited) this.#keys.set(lock, { key, owner, others: undefined });
    else if (awaited.owner !== owner) (awaited.others ??= new Set()).add(owner);
  }

  delete(lock: string, owner: string): void {
    const awaited = this.#keys.get(lock);
    if (!awaited) return;
    if (awaited.owner !== owner) return void awaited.others?.delete(owner);
    for (const next of awaited.others ?? NOBODY) {
      awaited.others?.delete(next);
      awaited.owner = next;
      return;
    }
    this.#keys.delete(lock);
  }

  keys(): readonly string[] {
    return [...this.#keys.values()].map(({ key }) => key);
  }

  keyOf(lock: string): string | undefined {
    return this.#keys.get(lock)?.key;
  }
}
