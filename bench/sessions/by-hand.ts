import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import express, { type Express, type Request, type Response } from "express";
import { Redis } from "ioredis";
import type { CaseRedis } from "../harness/http-case.ts";
import { SECRET, type SessionSettings } from "./settings.ts";
import { profileOf, userOf, type Profile } from "./users.ts";

interface Held {
  readonly id: string;
  readonly session: { readonly userId: string; visits?: number; profile?: Profile };
}

const COOKIE = /(?:^|; )sid=([\w-]+)\.([\w-]+)/;

/**
 * The least that a session in Redis can cost inside Express: a cookie with a signature, and one GETEX. No deadline, no
 * failure policy, and the last of two writers wins.
 */
export function byHand({ url, prefix }: CaseRedis, { rolling, maxAgeMs }: SessionSettings): Express {
  const client = new Redis(url);
  const app = express();
  let logins = 0;
  const load = async (req: Request): Promise<Held | undefined> => {
    const id = verifiedId(req.headers.cookie ?? "");
    const stored = id && (await client.getex(`${prefix}:${id}`, "PX", maxAgeMs));
    return id && stored ? { id, session: JSON.parse(stored) as Held["session"] } : undefined;
  };
  const save = ({ id, session }: Held): Promise<unknown> =>
    client.set(`${prefix}:${id}`, JSON.stringify(session), "PX", maxAgeMs);
  const setCookie = (res: Response, id: string): void => {
    const expires = new Date(Date.now() + maxAgeMs).toUTCString();
    const signed = `${id}.${signatureOf(id)}`;
    res.setHeader("Set-Cookie", `sid=${signed}; Path=/; Expires=${expires}; HttpOnly; SameSite=Lax`);
  };
  const answer = (res: Response, { id, session: { userId, visits = 0 } }: Held): void => {
    if (rolling) setCookie(res, id);
    res.json({ user: userId, visits });
  };
  const changing =
    (change: (session: Held["session"]) => void) =>
    async (req: Request, res: Response): Promise<void> => {
      const held = await load(req);
      if (!held) return void res.sendStatus(401);
      change(held.session);
      await save(held);
      answer(res, held);
    };

  app.get("/", async (req, res) => {
    const held = await load(req);
    if (held) answer(res, held);
    else res.sendStatus(401);
  });
  app.post(
    "/visits",
    changing((session) => (session.visits = (session.visits ?? 0) + 1)),
  );
  app.post(
    "/profile",
    changing((session) => (session.profile = profileOf(session.userId))),
  );
  app.post("/login", async (_req, res) => {
    logins += 1;
    const held: Held = { id: randomBytes(24).toString("base64url"), session: { userId: userOf(logins) } };
    await save(held);
    setCookie(res, held.id);
    res.json({ user: held.session.userId, visits: 0 });
  });
  return app;
}

function verifiedId(cookies: string): string | undefined {
  const [, id = "", signature = ""] = COOKIE.exec(cookies) ?? [];
  const [given, right] = [Buffer.from(signature), Buffer.from(signatureOf(id))];
  return given.length === right.length && timingSafeEqual(given, right) ? id : undefined;
}

function signatureOf(id: string): string {
  return createHmac("sha256", SECRET).update(id).digest("base64url");
}
