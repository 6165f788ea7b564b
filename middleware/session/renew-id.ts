import type { Request } from "express";
import type { SessionStore } from "../../stores/session/contract.ts";
import type { LiveCookie } from "./live-cookie.ts";
import { keepsTimes, type SessionSettings } from "./options.ts";
import type { RequestSession } from "./request-session.ts";

/** For requests under way, which came with the old id. */
const GRACE_MS = 60_000;

/**
 * Whether an answer must not set the cookie of the id that its request came with: another request may have replaced it, and
 * the browser has the new one by now, over which this one would be written. It would be logged out a minute later.
 */
export function mayBeReplaced(session: object, { store, renewIdEveryMs }: SessionSettings): boolean {
  if (renewIdEveryMs === undefined || !keepsTimes(store)) return false;
  return (store.idAgeMs(session) ?? 0) >= renewIdEveryMs;
}

/**
 * Gives the session of a request a new id once its own is `ageMs` old; the answer sets its cookie. Where the id cannot
 * be renewed, the session goes on by the old one.
 *
 * @throws what the store rejects with
 */
export async function renewId(
  req: Request,
  own: RequestSession,
  store: SessionStore,
  ageMs: number,
): Promise<void> {
  const { session, sessionID } = req;
  const age = store.idAgeMs(session);
  if (age === undefined || age < ageMs) return;
  const newId = await store.renewId(sessionID, { ageMs, graceMs: GRACE_MS });
  if (newId === undefined) return;
  req.sessionID = newId;
  // The id of a session object cannot be changed. It is itself handed on, for the store to know what was loaded.
  const loaded = session as unknown as { cookie: unknown };
  loaded.cookie = { ...(session.cookie as unknown as LiveCookie).data };
  own.followStored(store.createSession(req, session));
}
