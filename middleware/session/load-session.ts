import { randomBytes } from "node:crypto";
import type { Request, Response } from "express";
import expressSession, { type Store } from "express-session";
import { unhashedRequests } from "../../stores/session/unhashed.ts";
import { keepsTimes, type SessionSettings } from "./options.ts";
import { requestSessionOf, RequestSession } from "./request-session.ts";

export type LoadSession = (
  req: Request,
  res: Response,
  done: (error?: unknown, own?: RequestSession) => void,
) => void;

/**
 * express-session's own middleware, which reads the cookie, loads the session or makes a new one, and is not heard of
 * again: what it puts in place of the response's methods is taken back as soon as it has run. Calls back once, without a
 * session for a path that the cookie is not for, and where the store says that it is disconnected.
 */
export function createLoader({ store, secrets, cookie, rolling }: SessionSettings): LoadSession {
  const withNewSession = new WeakSet<object>();
  const newId = keepsTimes(store) ? renewableId : plainId;
  const load = expressSession({
    store,
    secret: [...secrets],
    name: cookie.name,
    resave: false,
    saveUninitialized: false,
    rolling,
    cookie: cookie.attributes,
    // The one sign that it gives of a session that is new.
    genid(req) {
      withNewSession.add(req);
      return newId();
    },
  });
  followRegenerated(store);

  return function loadSession(req, res, done) {
    const { end, writeHead } = res as unknown as Record<string, unknown>;
    let called = false;
    let isTaken = true;
    // Once: whoever puts others in their place while the session is loaded is to keep them.
    const giveBack = (): void => {
      if (isTaken) Object.assign(res, { end, writeHead });
      isTaken = false;
    };
    const callBack = (error?: unknown): void => {
      if (called) return;
      called = true;
      giveBack();
      if (error !== undefined || !(req.session as unknown)) return done(error);
      done(undefined, new RequestSession(req, withNewSession.has(req) ? undefined : req.sessionID));
    };
    unhashedRequests.add(req);
    load(req, res, callBack);
    // Whoever answers while the session is loaded need not know of it.
    giveBack();
  };
}

/** `regenerate` gives a request another session by this method, which express-session has put on its store. */
function followRegenerated(store: Store): void {
  const generating = store as Express.SessionStore;
  const generate = generating.generate;
  generating.generate = (req) => {
    generate.call(store, req);
    requestSessionOf(req)?.follow(req.session);
  };
}

/** As unguessable as express-session's own: 192 bits. */
function plainId(): string {
  return randomBytes(24).toString("base64url");
}

/** What stays, 144 bits, and what a renewal replaces, 128 bits. */
function renewableId(): string {
  return `${randomBytes(18).toString("base64url")}.${randomBytes(16).toString("base64url")}`;
}
