/** Where the owners of this process stand in line: the names of their places, by those that they would hold with. */
export class Places {
  readonly #places = new Map<string, string>();
  readonly #holders = new Map<string, string>();

  of(holder: string): string | undefined {
    return this.#places.get(holder);
  }

  set(holder: string, place: string): void {
    this.forget(this.#places.get(holder));
    this.#places.set(holder, place);
    this.#holders.set(place, holder);
  }

  forget(place: string | undefined): void {
    if (place === undefined) return;
    const holder = this.#holders.get(place);
    this.#holders.delete(place);
    if (holder !== undefined) this.#places.delete(holder);
  }
}
