import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { MemoryStore } from "express-session";
import { session, type SessionOptions } from "express-redis-suite/session";
import type request from "supertest";

declare module "express-session" {
  interface SessionData {
    views?: number;
    cart?: string[];
    userId?: string;
    authenticatedAt?: number;
  }
}

export const secret = "the secret of these tests";

/** An app whose every request goes to `handler`, behind a session; errors are told by their status and name. */
export function sessionApp(
  handler: express.RequestHandler,
  options: Partial<SessionOptions> = {},
  layers: { readonly before?: express.RequestHandler[]; readonly after?: express.RequestHandler[] } = {},
): Express {
  const app = express().set("env", "test");
  if (layers.before) app.use(...layers.before);
  app.use(session({ store: new MemoryStore(), secret, ...options }));
  if (layers.after) app.use(...layers.after);
  app.use(handler);
  app.use((error: Error & { status?: number }, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).send(`${error.name}: ${error.message}`);
  });
  return app;
}

/** Counts a session's views, and answers with how many there were. */
export const count: express.RequestHandler = (req, res) => {
  req.session.views = (req.session.views ?? 0) + 1;
  res.json({ views: req.session.views });
};

/** What a browser would send back. */
export function cookieOf(answer: request.Response): string {
  return answer.get("Set-Cookie")?.[0]?.split(";")[0] ?? "";
}

/** The session's id in a cookie, whoever signed it. */
export function idOf(cookie: string): string {
  return /=s%3A(.+)\.[^.]+$/.exec(cookie)?.[1] ?? "";
}

/** What a MemoryStore holds, by id. */
export function storedIn(store: MemoryStore): Record<string, Record<string, unknown>> {
  const { sessions } = store as unknown as { sessions: Record<string, string> };
  return Object.fromEntries(
    Object.entries(sessions).map(([id, text]) => [id, JSON.parse(text) as Record<string, unknown>]),
  );
}

/** A MemoryStore that counts what it is asked, and fails where a test says so. */
export class CountingStore extends MemoryStore {
  readonly asked: string[] = [];
  /** By method: what it calls back with, or does in place of its own. */
  readonly failing: Partial<Record<"get" | "set" | "touch" | "destroy", Error | (() => void)>> = {};

  override get: MemoryStore["get"] = (sid, callback) => {
    if (this.#goesOn("get", callback)) super.get(sid, callback);
  };

  override set: MemoryStore["set"] = (sid, data, callback) => {
    if (this.#goesOn("set", callback)) super.set(sid, data, callback);
  };

  override touch: MemoryStore["touch"] = (sid, data, callback) => {
    if (this.#goesOn("touch", callback)) super.touch(sid, data, callback);
  };

  override destroy: MemoryStore["destroy"] = (sid, callback) => {
    if (this.#goesOn("destroy", callback)) super.destroy(sid, callback);
  };

  #goesOn(method: "get" | "set" | "touch" | "destroy", callback?: (error?: unknown) => void): boolean {
    this.asked.push(method);
    const failure = this.failing[method];
    if (failure === undefined) return true;
    if (typeof failure === "function") failure();
    else if (callback) setImmediate(callback, failure);
    return typeof failure === "function";
  }
}
