import type { RecordHead } from "./record.ts";
import { isRenewable } from "./session-ids.ts";

/** What is known of a session object: as what it was stored when it was loaded, or last saved. */
export interface Base {
  readonly storedId: string;
  readonly head: RecordHead;
  /** The text that was stored then. */
  readonly stored: string;
  /** The text of the object itself then, which lacks what others have saved since it was loaded. */
  readonly view: string;
  /** How old its id was then, milliseconds; infinite for one that was replaced. */
  readonly idAgeMs: number;
  /** When then was, by `performance.now()`. */
  readonly at: number;
}

export interface Known extends Pick<Base, "head" | "stored" | "view"> {
  /** The server's clock, milliseconds. */
  readonly now: number;
  /** The id that it has here has been replaced. */
  readonly isReplaced?: boolean;
}

/** The bases of the session objects of this process, for as long as somebody has the objects. */
export class Bases {
  readonly #bases = new WeakMap<object, Base>();

  /** Undefined for an object that was not loaded or saved, or as another session. */
  of(session: object, storedId: string): Base | undefined {
    const base = this.#bases.get(session);
    return base?.storedId === storedId ? base : undefined;
  }

  set(session: object, storedId: string, { head, stored, view, now, isReplaced = false }: Known): void {
    const idAgeMs = isReplaced ? Infinity : now - head.idIssuedAt;
    this.#bases.set(session, { storedId, head, stored, view, idAgeMs, at: performance.now() });
  }

  /** Notes that a session was used now. */
  use(session: object, base: Base): void {
    const at = performance.now();
    this.#bases.set(session, { ...base, idAgeMs: base.idAgeMs + at - base.at, at });
  }

  /** For a session object that is made of another. */
  copy(from: object, to: object): void {
    const base = this.#bases.get(from);
    if (base) this.#bases.set(to, base);
  }

  /** How old its id is now, milliseconds; undefined for one of a form that is never renewed. */
  idAgeMs(session: object): number | undefined {
    const { id } = session as { readonly id?: unknown };
    if (typeof id === "string" && !isRenewable(id)) return undefined;
    const base = this.#bases.get(session);
    return base && base.idAgeMs + performance.now() - base.at;
  }
}
