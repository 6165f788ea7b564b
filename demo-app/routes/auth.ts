import { Router, type Request, type RequestHandler } from "express";
import { logIn, logOut } from "express-redis-suite/session";
import { browserFamily } from "../accounts/browser-family.ts";
import { isUsername, type Accounts } from "../accounts/accounts.ts";
import type { Boards } from "../boards.ts";
import { members } from "../json-body.ts";
import { FREE_BOARD } from "../ladder/season-boards.ts";
import { methodNotAllowed, ProblemError } from "../problem.ts";
import { playerOf } from "./player.ts";

const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 128;

export interface AuthRoutesOptions {
  readonly accounts: Accounts;
  readonly boards: Boards;
  /** Stands before everything that tries a password. */
  readonly limitLogins: RequestHandler;
  /** Stands before logins, behind the body: it counts by the name that is tried. */
  readonly limitAccount: RequestHandler;
}

/** `POST /register` (which also logs in), `POST /login`, `POST /logout`, `GET /profile`. */
export function authRoutes(options: AuthRoutesOptions): Router {
  const { accounts, boards, limitLogins, limitAccount } = options;
  const router = Router();

  router
    .route("/register")
    .post(limitLogins, async (req, res) => {
      const { username, password } = credentials(req);
      if (!isUsername(username)) {
        throw new ProblemError(422, "username must be 3 to 32 letters, digits or _ . - characters.");
      }
      if (password.length < SHORTEST_PASSWORD || password.length > LONGEST_PASSWORD) {
        throw new ProblemError(
          422,
          `password must be ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters long.`,
        );
      }
      if (!(await accounts.register(username, password)))
        throw new ProblemError(409, "This username is taken.");
      await startSession(req, username);
      res.status(201).json({ player: username });
    })
    .all(methodNotAllowed("POST"));

  router
    .route("/login")
    .post(limitLogins, limitAccount, async (req, res) => {
      const { username, password } = credentials(req);
      const known = password.length <= LONGEST_PASSWORD && (await accounts.authenticate(username, password));
      if (!known) throw new ProblemError(401, "The username or the password is wrong.");
      await startSession(req, username);
      res.json({ player: username });
    })
    .all(methodNotAllowed("POST"));

  router
    .route("/logout")
    .post(async (req, res) => {
      await logOut(req);
      res.status(204).end();
    })
    .all(methodNotAllowed("POST"));

  router
    .route("/profile")
    .get(async (req, res) => {
      const player = playerOf(req);
      res.json({ player, free: (await boards.standing(FREE_BOARD, player)) ?? null });
    })
    .all(methodNotAllowed("GET"));

  return router;
}

/** Whose password a request tries, for its limit. The empty name for one that nobody can have. */
export function accountOf(req: Request): string {
  const { username } = members(req.body);
  return typeof username === "string" && isUsername(username) ? username : "";
}

function credentials(req: Request): { username: string; password: string } {
  const { username, password } = members(req.body);
  if (typeof username !== "string" || typeof password !== "string") {
    throw new ProblemError(422, "username and password must be strings.");
  }
  return { username, password };
}

/** Logs the player in, under an id that nobody can have planted in the browser before. */
async function startSession(req: Request, player: string): Promise<void> {
  req.session.browser = browserFamily(req.get("user-agent"));
  await logIn(req, player, { keep: ["browser"] });
}
