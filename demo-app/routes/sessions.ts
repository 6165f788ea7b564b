import { Router, type Request, type Response } from "express";
import { logOut } from "express-redis-suite/session";
import type { SessionStore, StoredSession } from "express-redis-suite/stores/session/contract";
import { methodNotAllowed, ProblemError } from "../problem.ts";
import { playerOf } from "./player.ts";

/** A session as its player sees it. The id opens nothing: it names the session to those who are logged in as its player. */
interface ListedSession {
  readonly id: string;
  /** Whether the request came with it. */
  readonly current: boolean;
  readonly browser: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
}

/** `GET /sessions`, `DELETE /sessions/:id`, `POST /logout-everywhere`: where a player is logged in. */
export function sessionRoutes(sessions: SessionStore): Router {
  const router = Router();
  const isCurrent = (req: Request, id: string): boolean => sessions.storedId(req.sessionID) === id;

  router
    .route("/sessions")
    .get(async (req, res) => {
      const own = await sessions.sessionsOf(playerOf(req));
      res.json({ sessions: own.map((session) => listed(session, isCurrent(req, session.id))) });
    })
    .all(methodNotAllowed("GET"));

  router
    .route("/sessions/:id")
    .delete(async (req, res) => {
      const { id } = req.params;
      const own = await sessions.sessionsOf(playerOf(req));
      // Somebody else's is answered as one that is not there: whether there is one is nobody else's business.
      if (!own.some((session) => session.id === id) || !(await sessions.revoke(id)))
        throw new ProblemError(404, "You have no such session.");
      if (isCurrent(req, id)) await logOut(req);
      res.status(204).end();
    })
    .all(methodNotAllowed("DELETE"));

  router
    .route("/logout-everywhere")
    .post(async (req: Request, res: Response) => {
      // The present one included, as the words say; any other can be ended by itself.
      const ended = await sessions.revokeAll(playerOf(req));
      await logOut(req);
      res.json({ ended });
    })
    .all(methodNotAllowed("POST"));

  return router;
}

function listed(session: StoredSession, current: boolean): ListedSession {
  const { id, createdAt, lastUsedAt, expiresAt, data } = session;
  const { browser } = data;
  return {
    id,
    current,
    // One that began before this was kept has none.
    browser: typeof browser === "string" ? browser : "Unknown browser",
    createdAt,
    lastUsedAt,
    expiresAt,
  };
}
