import type { PoolConnection } from "mysql2/promise";

/** How the pool is set up to give rows must not matter. */
const PLAIN_ROWS = {
  rowsAsArray: true,
  nestTables: false,
  namedPlaceholders: false,
  typeCast: (_field: unknown, next: () => unknown): unknown => next(),
};

/** A connection that is out of its pool, until it is given back or destroyed: one of the two, and once. */
export class Session {
  readonly #connection: PoolConnection;
  #isKept = false;
  #tellLost: (() => void) | undefined;

  constructor(connection: PoolConnection) {
    this.#connection = connection;
    // It may fail while nobody asks it anything; mysql2 then takes it out of the pool, and rejects what is asked.
    connection.on("error", this.#fail);
    connection.on("end", this.#fail);
  }

  /** Whether it is kept beyond the operation that it was taken for. */
  get isKept(): boolean {
    return this.#isKept;
  }

  keep(): void {
    this.#isKept = true;
  }

  /** Calls `tell` once when the connection is gone, unless it was given back or destroyed here. */
  onLost(tell: () => void): void {
    this.#tellLost = tell;
  }

  /** The numbers of the only row that a question is answered with. Rejects where one of them is NULL. */
  async ask(sql: string, values: readonly string[] = []): Promise<readonly number[]> {
    const [rows] = await this.#connection.query({ ...PLAIN_ROWS, sql, values: [...values] });
    const [row] = rows as unknown as readonly (readonly unknown[])[];
    if (!row || row.includes(null)) throw new Error("the server has no answer");
    return row.map(Number);
  }

  /** After how many idle seconds the server closes the connection, and frees what it holds. */
  async closeAfter(idleSeconds: number): Promise<void> {
    await this.#connection.query({ sql: "SET SESSION wait_timeout = ?", values: [idleSeconds] });
  }

  giveBack(): void {
    this.#tellLost = undefined;
    this.#connection.off("error", this.#fail);
    this.#connection.off("end", this.#fail);
    this.#connection.release();
  }

  /** For a connection of which nobody knows what it still holds. What comes of it later, nobody hears. */
  destroy(): void {
    this.#tellLost = undefined;
    this.#connection.destroy();
  }

  readonly #fail = (): void => {
    const tell = this.#tellLost;
    this.#tellLost = undefined;
    tell?.();
  };
}
