import {
  SessionEndedError,
  SessionLimitError,
  SessionTooLargeError,
  StoreUnavailableError,
} from "../../errors.ts";
import type { Base, Bases } from "./bases.ts";
import { isSameCookie } from "./cookie-attributes.ts";
import { merge } from "./merge.ts";
import type { SessionOperations } from "./operations.ts";
import { linesOf, type RecordHead, type SessionRecord } from "./record.ts";
import type { HashedId } from "./session-ids.ts";
import type { Writes } from "./writes.ts";

/** What is to be stored of one session object. */
export interface Change {
  readonly session: object;
  readonly id: HashedId;
  /** Its text now. */
  readonly text: string;
  /** `cookie`: its data are left as they are stored. */
  readonly part: "all" | "cookie";
}

/** One state of a session in the store. */
interface Stored {
  readonly head: RecordHead;
  readonly stored: string;
}

export interface SavesOptions {
  readonly operations: SessionOperations;
  readonly writes: Writes;
  readonly bases: Bases;
  /** The text of a stored session; undefined where it cannot be read. */
  readonly textOf: (storedId: string, record: SessionRecord) => Promise<string | undefined>;
  readonly onChange: (change: "conflict" | "ended") => void;
}

interface Waiting {
  readonly change: Change;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Of each round of conflicting saves one process comes through, so as many processes may save one session at once. */
const MOST_TRIES = 64;

/**
 * Saves sessions by their changes. Those of one session go one at a time in one process, and what comes meanwhile goes
 * together in the next write; other processes are met by the version, and their changes kept.
 */
export class Saves {
  readonly #options: SavesOptions;
  /** By stored ids, those that wait for the write under way. */
  readonly #lines = new Map<string, Waiting[]>();
  /** By stored ids, when all of a line is written. */
  readonly #written = new Map<string, Promise<void>>();

  constructor(options: SavesOptions) {
    this.#options = options;
  }

  /**
   * Stores a session object's changes since it was loaded or last saved; all of it where it was not. Rejects with the
   * errors of `SessionStore`, and as the guard does.
   */
  save(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = { change, resolve, reject };
      const line = this.#lines.get(change.id.storedId);
      if (line) line.push(waiting);
      else this.#written.set(change.id.storedId, this.#writeAll(change.id.storedId, waiting));
    });
  }

  /** Resolves once nothing of a session is being saved, whatever became of it; undefined where nothing is. */
  written(storedId: string): Promise<void> | undefined {
    return this.#written.get(storedId);
  }

  async #writeAll(storedId: string, first: Waiting): Promise<void> {
    let line = [first];
    let known: Stored | undefined;
    while (line.length > 0) {
      const next: Waiting[] = [];
      this.#lines.set(storedId, next);
      for (const group of this.#groups(line)) known = await this.#writeGroup(group, known);
      line = next;
    }
    this.#lines.delete(storedId);
    this.#written.delete(storedId);
  }

  /** A change that replaces all goes alone. */
  #groups(line: readonly Waiting[]): Waiting[][] {
    const groups: Waiting[][] = [];
    for (const waiting of line) {
      const last = groups.at(-1);
      if (last?.[0] && this.#baseOf(last[0].change) && this.#baseOf(waiting.change)) last.push(waiting);
      else groups.push([waiting]);
    }
    return groups;
  }

  /** Resolves, whatever becomes of the group, with what is stored afterwards, where that is known. */
  async #writeGroup(group: readonly Waiting[], known: Stored | undefined): Promise<Stored | undefined> {
    try {
      const stored = await this.#write(
        group.map(({ change }) => change),
        known,
      );
      for (const { resolve } of group) resolve();
      return stored;
    } catch (error) {
      if (group.length > 1 && isOfOne(error)) {
        let last = known;
        for (const waiting of group) last = await this.#writeGroup([waiting], last);
        return last;
      }
      for (const { reject } of group) {
        if (error instanceof SessionEndedError) this.#options.onChange("ended");
        reject(error);
      }
      return undefined;
    }
  }

  async #write(changes: readonly Change[], known: Stored | undefined): Promise<Stored> {
    const [first] = changes;
    if (!first) throw new TypeError("there is nothing to save");
    const { id } = first;
    let theirs = this.#newest(changes, known);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { text, conflicts, views } = this.#together(changes, theirs);
      if (theirs?.stored === text) return this.#prolong(id, theirs, views);
      const saved = await this.#options.writes.write(id, {
        text,
        mode: theirs ? "update" : "put",
        over: theirs?.head,
      });
      if (saved.outcome === "saved") {
        if (conflicts > 0) this.#options.onChange("conflict");
        const stored = { head: saved.head, stored: text };
        const isReplaced = saved.head.token !== id.token;
        for (const [session, view] of views) {
          this.#options.bases.set(session, id.storedId, { ...stored, view, now: saved.now, isReplaced });
        }
        return stored;
      }
      theirs = await this.#theirs(id.storedId, saved.stored);
    }
    throw new StoreUnavailableError(`a session was saved by others ${MOST_TRIES} times in the meantime`);
  }

  /**
   * Of a save that changes nothing, which express-session makes of every request where `resave` is true. Of a session that
   * has ended there is nothing to lose, and its answer would be cut off by the error.
   */
  async #prolong(id: HashedId, theirs: Stored, views: ReadonlyMap<object, string>): Promise<Stored> {
    const { operations, bases, onChange } = this.#options;
    if (!(await operations.touch(id, "prolong"))) onChange("ended");
    for (const [session, view] of views) {
      const base = bases.of(session, id.storedId);
      // Others may have stored the same: what this object then takes back is a change.
      if (base) bases.use(session, { ...base, ...theirs, view });
    }
    return theirs;
  }

  /** The last state that is known; undefined where a change replaces whatever is there. */
  #newest(changes: readonly Change[], known: Stored | undefined): Stored | undefined {
    let last: Stored | undefined = known;
    for (const change of changes) {
      const base = this.#baseOf(change);
      if (!base) return undefined;
      if (!last || base.head.version > last.head.version) last = base;
    }
    return last;
  }

  /** All changes on what is stored; their conflicts, with it and among each other; and what each session object then is. */
  #together(
    changes: readonly Change[],
    theirs: Stored | undefined,
  ): { readonly text: string; readonly conflicts: number; readonly views: ReadonlyMap<object, string> } {
    const views = new Map<object, string>();
    let text = theirs?.stored ?? "";
    let conflicts = 0;
    for (const change of changes) {
      const base = views.get(change.session) ?? this.#baseOf(change)?.view;
      const mine = mineOf(change, base);
      const merged = base === undefined ? { text: mine, conflicts: 0 } : merge({ base, mine, theirs: text });
      views.set(change.session, mine);
      text = merged.text;
      conflicts += merged.conflicts;
    }
    return { text, conflicts, views };
  }

  #baseOf({ session, id }: Change): Base | undefined {
    return this.#options.bases.of(session, id.storedId);
  }

  async #theirs(storedId: string, stored: SessionRecord): Promise<Stored> {
    const text = await this.#options.textOf(storedId, stored);
    // Whoever asked for it now would get none either.
    if (text === undefined) throw new SessionEndedError("what is stored of the session cannot be read");
    return { head: stored.head, stored: text };
  }
}

/** @param base as what the session object was stored last */
function mineOf({ part, text }: Change, base: string | undefined): string {
  if (base === undefined) return text;
  const [cookie, data] = linesOf(text);
  const [cookieBefore, dataBefore] = linesOf(base);
  return `${isSameCookie(cookieBefore, cookie) ? cookieBefore : cookie}\n${part === "cookie" ? dataBefore : data}`;
}

/** Whether one change may be what others of its group fail for. */
function isOfOne(error: unknown): boolean {
  return (
    error instanceof SessionTooLargeError || error instanceof SessionLimitError || error instanceof TypeError
  );
}
