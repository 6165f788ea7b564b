import type { Request } from "express";
import type { SessionStore } from "../../stores/session/contract.ts";
import type { LiveCookie } from "./live-cookie.ts";
import type { RequestSession } from "./request-session.ts";

/** For requests under way, which came with the old id. */
const GRACE_MS = 60_000;

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
