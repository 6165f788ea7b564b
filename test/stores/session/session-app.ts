import express, { type Express } from "express";
import session, { type SessionOptions } from "express-session";
import type { RedisSessionStore } from "express-redis-suite/stores/session/redis";

declare module "express-session" {
  interface SessionData {
    player?: string;
    turns?: number;
  }
}

/** A small site on express-session itself, so that the store is tried by the code it was written for. */
export function sessionApp(store: RedisSessionStore, cookie: SessionOptions["cookie"] = {}): Express {
  const app = express();
  app.use(
    session({
      store,
      secret: "test",
      name: "sid",
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie,
    }),
  );
  app.post("/login/:user", (req, res) => {
    req.session.player = req.params.user;
    if (req.query["browser"] !== undefined) req.session.cookie.expires = false as unknown as Date;
    res.json({ sid: req.sessionID });
  });
  app.get("/me", (req, res) => {
    res.json({ user: req.session.player ?? null, sid: req.sessionID });
  });
  app.post("/visit", (req, res) => {
    req.session.turns = (req.session.turns ?? 0) + 1;
    res.json({ visits: req.session.turns });
  });
  app.post("/save", (req, res, next) => {
    req.session.save((error: unknown) => (error ? next(error) : res.json({ saved: true })));
  });
  app.post("/regenerate", (req, res, next) => {
    const { player } = req.session;
    req.session.regenerate((error: unknown) => {
      if (error) return next(error);
      if (player !== undefined) req.session.player = player;
      return res.json({ sid: req.sessionID });
    });
  });
  app.post("/logout", (req, res, next) => {
    req.session.destroy((error: unknown) => (error ? next(error) : res.json({ out: true })));
  });
  return app;
}
