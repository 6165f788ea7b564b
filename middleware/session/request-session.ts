import type { Request } from "express";
import type { Session, SessionData } from "express-session";
import { errorCode } from "../../telemetry/error-code.ts";
import { channels, publish, type SessionSaveEvent } from "../../telemetry/channels.ts";
import { SessionEndedError } from "../../stores/errors.ts";
import type { LiveCookie } from "./live-cookie.ts";

type Callback = (error?: unknown) => void;

/** A session at one moment. Two of one text are equal in every value that is stored. */
interface Snapshot {
  readonly id: string;
  readonly text: string;
  readonly cookie: LiveCookie["data"];
}

/** What handlers have done to a session by now. */
export interface SessionChange {
  readonly session: Session;
  readonly now: Snapshot;
  /** Whether it differs from what the request came with. */
  readonly isModified: boolean;
  readonly isCookieChanged: boolean;
  /** Whether it is to be stored; not where it has just been, nor where there is nothing in it. */
  readonly isUnsaved: boolean;
  /** Whether somebody was told that just this could not be stored. */
  readonly hasFailed: boolean;
  /** Whether the store has it, under this id. */
  readonly isStored: boolean;
}

const ofRequests = new WeakMap<object, RequestSession>();

/** Undefined for a request that came by no `session()`, or has no session. */
export function requestSessionOf(req: object): RequestSession | undefined {
  return ofRequests.get(req);
}

/** Follows one request's session from when it was loaded, or made, through its saves. */
export class RequestSession {
  /** The id that the request came with, where a session lives by it. */
  readonly cookieId: string | undefined;
  /** Set by `logOut`: the cookie that the answer has the browser forget. */
  goneCookie: LiveCookie | undefined;
  readonly #req: Request;
  #base: Snapshot;
  #stored: Snapshot | undefined;
  #failed: Snapshot | undefined;
  #saving: { readonly snapshot: Snapshot; readonly waiting: Callback[] } | undefined;
  #savedHere = false;

  constructor(req: Request, cookieId: string | undefined) {
    this.#req = req;
    this.cookieId = cookieId;
    this.#base = snapshotOf(req.session);
    if (cookieId !== undefined) this.#stored = this.#base;
    ofRequests.set(req, this);
    Object.defineProperties(req.session, FOLLOWED);
  }

  /** For another object that has come in place of the session: one with another id counts as a change. */
  follow(session: Session): void {
    Object.defineProperties(session, FOLLOWED);
  }

  /** For another object that stands for what is stored. */
  followStored(session: Session): void {
    this.follow(session);
    this.#base = snapshotOf(session);
    this.#stored = this.#base;
  }

  /** For a session that counts as empty and new, as that of a request without a cookie. */
  followNew(session: Session): void {
    this.follow(session);
    this.#base = snapshotOf(session);
    this.#stored = undefined;
  }

  /**
   * The id of the present session, where the store may have something under it; of the last one that it had, where the
   * session was deleted.
   */
  get storedId(): string | undefined {
    const session = this.#req.session as Session | null | undefined;
    const mayBe = [this.#saving?.snapshot, this.#stored, this.#failed].flatMap((one) => one?.id ?? []);
    return session ? mayBe.find((id) => id === session.id) : mayBe[0];
  }

  /** Whether the session lives by what this request has asked of the store, and is to live on from now. */
  get isToBeTouched(): boolean {
    return !this.#savedHere && this.#stored !== undefined && this.#req.session.id === this.#stored.id;
  }

  /**
   * Undefined where there is no session: `req.session` was deleted, or destroyed, and may be another `session()`'s since.
   *
   * @throws what the values of the session throw as they are made JSON
   */
  change(): SessionChange | undefined {
    const session = this.#req.session as Session | null | undefined;
    if (!session || typeof this.#req.sessionID !== "string" || ofRequests.get(this.#req) !== this)
      return undefined;
    const now = snapshotOf(session);
    const stored = this.#stored?.id === now.id ? this.#stored : undefined;
    const isCookieChanged = stored !== undefined && !isSameCookie(this.#base.cookie, now.cookie);
    const isModified = now.id !== this.#base.id || now.text !== this.#base.text || isCookieChanged;
    return {
      session,
      now,
      isModified,
      isCookieChanged,
      isUnsaved: stored ? !isSame(stored, now) : isModified,
      hasFailed: this.#failed !== undefined && isSame(this.#failed, now),
      isStored: stored !== undefined,
    };
  }

  /** Stores a session as it is, or waits for who is storing just that. Calls back once. */
  save(session: Session, now: Snapshot, callback: Callback): void {
    if (this.#saving && isSame(this.#saving.snapshot, now)) this.#saving.waiting.push(callback);
    else this.#write(session, now, callback);
  }

  saveNow(session: Session, callback: Callback): void {
    this.#write(session, snapshotOf(session), callback);
  }

  #write(session: Session, snapshot: Snapshot, callback: Callback): void {
    const startedAt = performance.now();
    const saving = { snapshot, waiting: [callback] };
    const settle = (error?: unknown): void => {
      if (this.#saving === saving) this.#saving = undefined;
      // Some stores call back twice.
      const waiting = saving.waiting.splice(0);
      if (waiting.length === 0) return;
      this.#savedHere ||= !error;
      this.#failed = error ? snapshot : undefined;
      if (!error) this.#stored = snapshot;
      publish(channels.sessionSave, () => saveEvent(error, performance.now() - startedAt));
      for (const told of waiting) told(error);
    };
    this.#saving = saving;
    try {
      prototypeOf(session).save.call(session, settle);
    } catch (error) {
      // Its values cannot be stored, as the caller is told.
      if (this.#saving === saving) this.#saving = undefined;
      throw error;
    }
  }
}

function saveEvent(error: unknown, durationMs: number): SessionSaveEvent {
  if (!error) return { outcome: "saved", durationMs };
  if (error instanceof SessionEndedError) return { outcome: "ended", durationMs };
  return { outcome: "save-failed", code: errorCode(error), durationMs };
}

/** The session's own `save` and `reload`, in place of those that express-session gives each session. */
const FOLLOWED: PropertyDescriptorMap = {
  save: hidden(function save(this: Session, callback: Callback = () => {}): Session {
    const own = ofRequests.get(requestOf(this));
    if (own) own.saveNow(this, callback);
    else prototypeOf(this).save.call(this, callback);
    return this;
  }),
  reload: hidden(function reload(this: Session, callback: Callback): Session {
    const req = requestOf(this);
    prototypeOf(this).reload.call(this, (error?: unknown) => {
      if (!error) ofRequests.get(req)?.followStored(req.session);
      callback(error);
    });
    return this;
  }),
};

function hidden(value: unknown): PropertyDescriptor {
  return { configurable: true, enumerable: false, writable: true, value };
}

function requestOf(session: Session): Request {
  return (session as unknown as { req: Request }).req;
}

function prototypeOf(session: Session): Session {
  return Object.getPrototypeOf(session) as Session;
}

function snapshotOf(session: Session & Partial<SessionData>): Snapshot {
  const { cookie, ...data } = session;
  return {
    id: session.id,
    text: JSON.stringify(data),
    cookie: (cookie as unknown as LiveCookie).data,
  };
}

function isSame(one: Snapshot, other: Snapshot): boolean {
  return one.id === other.id && one.text === other.text && isSameCookie(one.cookie, other.cookie);
}

/** But for when it expires, which moves with each use. */
function isSameCookie(one: LiveCookie["data"], other: LiveCookie["data"]): boolean {
  for (const name of Object.keys(one)) {
    if (name !== "expires" && one[name] !== other[name] && !isSameAge(name, one[name], other[name]))
      return false;
  }
  return true;
}

/** express-session computes an age from the clock, which may be a millisecond off each time. */
function isSameAge(name: string, one: unknown, other: unknown): boolean {
  return name === "originalMaxAge" && typeof one === "number" && Math.abs(one - Number(other)) < 1000;
}
