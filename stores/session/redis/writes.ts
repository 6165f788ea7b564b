import { SessionEndedError } from "../../errors.ts";
import type { Saved, SessionOperations } from "./operations.ts";
import type { SaveMode } from "./save-script.ts";
import type { HashedId } from "./session-ids.ts";

export interface WritesOptions {
  readonly operations: SessionOperations;
  readonly encode: (storedId: string, text: string) => Buffer | Promise<Buffer>;
  readonly ttlMs: (text: string) => number;
  /** The hash of the user whose session a text is. */
  readonly userOf: (text: string) => string | undefined;
  /** Stores a session that begins to be a user's. */
  readonly admit: <Stored>(user: string, storedId: string, save: () => Promise<Stored>) => Promise<Stored>;
  /** Told of a session that is no longer a user's; does not reject. */
  readonly leave: (user: string, storedId: string) => Promise<void>;
}

export interface Write {
  readonly text: string;
  readonly mode: SaveMode;
  /** What an `update` is over, and whose session that was. */
  readonly over?: { readonly version: number; readonly user: string | undefined } | undefined;
}

export type Written = Exclude<Saved, { readonly outcome: "refused" }>;

/** Writes the text of a session, in its form at rest, and keeps the indexes of users. */
export class Writes {
  readonly #options: WritesOptions;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /**
   * Rejects with `SessionEndedError` where there is no session to update; with `SessionTooLargeError` and
   * `SessionLimitError`; and as the guard does.
   */
  async write(id: HashedId, write: Write): Promise<Written> {
    const saved = await this.#save(id, write);
    if (saved.outcome !== "refused") return saved;
    throw ended();
  }

  /**
   * Stores a session unless it is there, or has ended just now. Returns whether it did. Rejects as {@link write} does, and
   * with `SessionEndedError` where it was ended while it began.
   */
  async add(id: HashedId, text: string): Promise<boolean> {
    const { outcome } = await this.#save(id, { text, mode: "add" });
    return outcome === "saved";
  }

  async #save(id: HashedId, { text, mode, over }: Write): Promise<Saved> {
    const { operations, encode, ttlMs, userOf, admit, leave } = this.#options;
    const user = userOf(text);
    const payload = await encode(id.storedId, text);
    const save = async (): Promise<Saved> => {
      const version = over?.version ?? 0;
      const saved = await operations.save({ id, mode, version, ttlMs: ttlMs(text), user, payload });
      // Not for what could not be added: it is there, and its user's index must keep it.
      if (saved.outcome === "refused" && mode !== "add") throw ended();
      return saved;
    };
    const isLogin = user !== undefined && user !== over?.user;
    const saved = isLogin ? await admit(user, id.storedId, save) : await save();
    if (saved.outcome === "saved" && over?.user !== undefined && over.user !== user) {
      await leave(over.user, id.storedId);
    }
    return saved;
  }
}

function ended(): SessionEndedError {
  return new SessionEndedError("the session ended before its changes were saved");
}
