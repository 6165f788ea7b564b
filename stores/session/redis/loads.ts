import type { SessionData } from "express-session";
import { SessionEndedError } from "../../errors.ts";
import type { Base, Bases } from "./bases.ts";
import { assertCookieAttributes, isSameCookie } from "./cookie-attributes.ts";
import { touchEveryMs } from "./lifetime.ts";
import type { SessionOperations } from "./operations.ts";
import { linesOf } from "./record.ts";
import type { Saves } from "./saves.ts";
import type { HashedId } from "./session-ids.ts";
import { sessionDataOf, type SessionReader } from "./session-reader.ts";

export interface LoadsOptions {
  readonly operations: SessionOperations;
  readonly bases: Bases;
  readonly reader: SessionReader;
  readonly saves: Saves;
  /** As the store was told; 0 for the default. */
  readonly touchEveryMs: number;
  /** Moves a session of connect-redis here. Returns whether there is one now. */
  readonly adopt: ((sid: string, id: HashedId) => Promise<boolean>) | undefined;
}

/** Loads sessions, and has those live on that are used. */
export class Loads {
  readonly #options: LoadsOptions;

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  /** Null for one that is missing, expired or unreadable. */
  async load(sid: string, id: HashedId): Promise<SessionData | null> {
    const session = await this.#load(id, "read");
    if (session !== "missing") return session;
    const { adopt } = this.#options;
    if (!adopt || !(await adopt(sid, id))) return null;
    const adopted = await this.#load(id, "read");
    return adopted === "missing" ? null : adopted;
  }

  /** Whether there is anything to do for a session that is only used: it may have been noted just now. */
  isTouchDue(id: HashedId, session: SessionData): boolean {
    const base = this.#options.bases.of(session, id.storedId);
    return !base || !isNoted(base, this.#options.touchEveryMs) || !hasCookieOf(session, base);
  }

  /** Has a session live on, and keeps its new cookie, not its other values. Does nothing to one that has ended. */
  async touch(id: HashedId, session: SessionData): Promise<void> {
    const { bases, operations } = this.#options;
    const base = bases.of(session, id.storedId);
    if (!base) return this.#touchUnknown(id, session);
    if (!hasCookieOf(session, base)) return this.#saveCookie(id, session, session);
    if (await operations.touch(id, "use")) bases.use(session, base);
  }

  /** One that this process has not loaded. */
  async #touchUnknown(id: HashedId, session: SessionData): Promise<void> {
    const stored = await this.#load(id, "refresh");
    if (stored === "missing" || stored === null) return;
    const base = this.#options.bases.of(stored, id.storedId);
    if (base && !hasCookieOf(session, base)) await this.#saveCookie(id, stored, session);
  }

  async #saveCookie(id: HashedId, of: SessionData, { cookie }: SessionData): Promise<void> {
    const text = `${JSON.stringify(assertCookieAttributes(cookie))}\n{}`;
    try {
      await this.#options.saves.save({ session: of, id, text, part: "cookie" });
    } catch (error) {
      if (!(error instanceof SessionEndedError)) throw error;
    }
  }

  async #load(id: HashedId, mode: "read" | "refresh"): Promise<SessionData | "missing" | null> {
    const { operations, reader, bases } = this.#options;
    const loaded = await operations.load(id, mode);
    if (loaded.found === "missing") return "missing";
    if (loaded.found !== "session") {
      reader.reject(loaded.found);
      return null;
    }
    const { record, now, isReplaced } = loaded;
    const read = await reader.read(id.storedId, record);
    if (!read) return null;
    const { ttlMs, endsAt } = record.head;
    // From now on, since this is a use, though one within `touchEveryMs` of the last is not noted.
    const session = sessionDataOf(read, Math.min(ttlMs, endsAt - now));
    const { text } = read;
    bases.set(session, id.storedId, { head: record.head, stored: text, view: text, now, isReplaced });
    return session;
  }
}

function isNoted({ head, at }: Base, everyMs: number): boolean {
  return performance.now() - at < touchEveryMs(head.ttlMs, everyMs);
}

function hasCookieOf({ cookie }: SessionData, { view }: Base): boolean {
  return isSameCookie(linesOf(view)[0], JSON.stringify(assertCookieAttributes(cookie)));
}
