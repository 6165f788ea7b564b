import type { Request } from "express";
import type { Session, SessionData } from "express-session";
import { LiveCookie } from "./live-cookie.ts";
import { requestSessionOf, type RequestSession } from "./request-session.ts";

export interface LogInOptions {
  /** Which top-level keys of the session stay, such as a cart. Default none. */
  readonly keep?: readonly (keyof SessionData)[];
}

type Values = Record<string, unknown>;

/** The sessions that could not be loaded, and why, of requests that went on without one. */
const unavailable = new WeakMap<object, unknown>();

export function noteUnavailable(req: Request, error: unknown): void {
  unavailable.set(req, error);
}

/**
 * Logs a user in: ends the session that the request came with, and stores a new one, under an id that nobody can have
 * planted in the browser before. It has `userId`, `authenticatedAt` (milliseconds since 1970, for what asks for a recent
 * login) and what `keep` names. Stored when the promise resolves; the answer sets its cookie.
 *
 * @throws TypeError for a user id that is no string, or empty, and for a request that came by no `session()`; what the
 * store fails with, `SessionLimitError` included: the session is then a new one, with nothing in it
 */
export async function logIn(req: Request, userId: string, options: LogInOptions = {}): Promise<void> {
  if (typeof userId !== "string" || userId === "")
    throw new TypeError("logIn: userId must be a string that is not empty");
  const own = sessionOf("logIn", req);
  if (req.res?.headersSent)
    throw new TypeError("logIn: the answer is on its way, and can set no cookie any more");
  const before = req.session as (Session & Values) | undefined;
  const kept = (options.keep ?? []).flatMap((name) =>
    before && name !== "cookie" && Object.hasOwn(before, name) ? [[name, before[name]]] : [],
  );
  await end(req, own);
  own.goneCookie = undefined;
  Object.assign(req.session, Object.fromEntries(kept), { userId, authenticatedAt: Date.now() });
  try {
    await settled((done) => req.session.save(done));
  } catch (error) {
    // Nobody may be taken for somebody who is not logged in.
    req.sessionStore.generate(req);
    own.followNew(req.session);
    throw error;
  }
}

/**
 * Logs out: ends the session in the store, has the answer make the browser forget the cookie, and removes `req.session`.
 * Other requests of the session that are under way can no longer save it. Without a session there is nothing to do.
 *
 * @throws TypeError for a request that came by no `session()`; what the store fails with: the session may live on, and
 * `req.session` is as it was
 */
export async function logOut(req: Request): Promise<void> {
  const own = sessionOf("logOut", req);
  const session = req.session as Session | undefined;
  if (!session) return;
  if (own.storedId !== undefined) await settled((done) => req.sessionStore.destroy(session.id, done));
  own.goneCookie = new LiveCookie((session.cookie as unknown as LiveCookie).data);
  delete (req as Partial<Request>).session;
}

function sessionOf(owner: string, req: Request): RequestSession {
  if (unavailable.has(req)) throw unavailable.get(req);
  const own = requestSessionOf(req);
  if (own) return own;
  throw new TypeError(`${owner}: the request came by no session(), or by one whose cookie has another path`);
}

/** Puts a new session in place of the request's, which is ended where the store may have it. */
async function end(req: Request, own: RequestSession): Promise<void> {
  const id = own.storedId;
  if (id !== undefined) await settled((done) => req.sessionStore.destroy(id, done));
  req.sessionStore.generate(req);
}

/** express-session calls back. */
function settled(run: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
