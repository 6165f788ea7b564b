/** The keys that owners of this process are in line for, by the Redis keys of their locks, which is what a message names. */
export class AwaitedKeys {
  readonly #keys = new Map<string, { readonly key: string; readonly owners: Set<string> }>();

  add(lock: string, { key, owner }: { readonly key: string; readonly owner: string }): void {
    const awaited = this.#keys.get(lock);
    if (awaited) awaited.owners.add(owner);
    else this.#keys.set(lock, { key, owners: new Set([owner]) });
  }

  delete(lock: string, owner: string): void {
    const owners = this.#keys.get(lock)?.owners;
    owners?.delete(owner);
    if (owners?.size === 0) this.#keys.delete(lock);
  }

  keys(): readonly string[] {
    return [...this.#keys.values()].map(({ key }) => key);
  }

  keyOf(lock: string): string | undefined {
    return this.#keys.get(lock)?.key;
  }
}
