import { expect } from "chai";
import express, { type Express } from "express";
import { logIn, session } from "express-redis-suite/session";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import request, { type Response } from "supertest";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** As docs/session.md has it, but for the cookie's name, which would need TLS. */
function rememberingApp(store: RedisSessionStore): Express {
  const app = express();
  app.use(
    session({
      store,
      secret: "test",
      cookie: { maxAgeMs: DAY_MS },
      idleTimeoutMs: 30 * DAY_MS,
      absoluteTimeoutMs: 90 * DAY_MS,
      rolling: true,
    }),
  );
  app.post("/login", express.json(), async (req, res) => {
    await logIn(req, "ada");
    if ((req.body as { remember?: unknown }).remember === true) req.session.cookie.maxAge = 30 * DAY_MS;
    res.sendStatus(204);
  });
  app.get("/", (req, res) => res.json({ user: req.session.userId ?? null }));
  return app;
}

describe("remembering those who ask for it", () => {
  let store: RedisSessionStore;
  let app: Express;
  beforeEach(() => {
    store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    app = rememberingApp(store);
  });

  /** For how many days the answer's cookie lives. */
  const daysOf = (answer: Response): number => {
    const expires = /Expires=([^;]+)/.exec(answer.get("Set-Cookie")?.[0] ?? "")?.[1] ?? "";
    return Math.round((Date.parse(expires) - Date.now()) / DAY_MS);
  };
  const storedDays = async (): Promise<number> => {
    const [{ expiresAt } = { expiresAt: new Date(0) }] = await store.sessionsOf("ada");
    return Math.round((expiresAt.getTime() - Date.now()) / DAY_MS);
  };

  for (const [remember, days] of [
    [true, 30],
    [false, 1],
  ] as const) {
    it(`gives ${remember ? "them" : "others"} a cookie for ${days === 1 ? "a day" : `${days} days`}, with each answer, and a session as long`, async () => {
      const agent = request.agent(app);
      const login = await agent.post("/login").send({ remember }).expect(204);
      expect(daysOf(login)).to.equal(days);
      expect(await storedDays()).to.equal(days);
      const next = await agent.get("/").expect(200, { user: "ada" });
      expect(daysOf(next)).to.equal(days);
      expect(await storedDays()).to.equal(days);
    });
  }
});
