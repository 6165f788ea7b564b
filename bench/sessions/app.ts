import express, { type Express, type Request, type RequestHandler, type Response } from "express";
import { profileOf, userOf, type Profile } from "./users.ts";

declare module "express-session" {
  interface SessionData {
    userId?: string;
    profile?: Profile;
    visits?: number;
  }
}

/** One way to have sessions. */
export interface Sessions {
  /** Puts `req.session` there; none for the baseline, whose handlers answer without one. */
  readonly middleware?: RequestHandler;
  /** Begins a session with a new id, in which nothing but `userId` is; resolves once it is stored. */
  readonly logIn: (req: Request, userId: string) => Promise<void>;
}

/** The app behind all of them: who is logged in, by a request that reads the session, changes it, or begins it. */
export function appWith({ middleware, logIn }: Sessions): Express {
  const app = express();
  if (middleware) app.use(middleware);
  let logins = 0;

  app.get("/", (req, res) => {
    const { userId, visits = 0 } = req.session;
    if (userId === undefined) res.sendStatus(401);
    else res.json({ user: userId, visits });
  });

  app.post("/visits", (req, res) => {
    const { userId, visits = 0 } = req.session;
    if (userId === undefined) return void res.sendStatus(401);
    req.session.visits = visits + 1;
    res.json({ user: userId, visits: visits + 1 });
  });

  app.post("/profile", (req, res) => {
    const { userId } = req.session;
    if (userId === undefined) return void res.sendStatus(401);
    req.session.profile = profileOf(userId);
    res.json({ user: userId, visits: 0 });
  });

  app.post("/login", async (req, res) => {
    logins += 1;
    const user = userOf(logins);
    await logIn(req, user);
    res.json({ user, visits: 0 });
  });
  return app;
}

/** Sends what the others send, and knows nobody. */
export function bareApp(): Express {
  const app = express();
  app.get("/", sendUser);
  app.post(["/visits", "/login"], sendUser);
  return app;
}

function sendUser(_req: Request, res: Response): void {
  res.json({ user: userOf(1), visits: 0 });
}
