import type { NextFunction, Request, Response } from "express";
import { isNothingStored } from "../../stores/session/contract.ts";
import type { AskAnswer, HeldAnswer } from "../response/held-answer.ts";
import { holdAnswer } from "../response/hold-answer.ts";
import { sendStoreUnavailable, warnOfStoreError } from "../response/store-failure.ts";
import { goneCookie, sessionCookie, setCookieFields } from "./cookie-fields.ts";
import type { LiveCookie } from "./live-cookie.ts";
import type { SessionSettings } from "./options.ts";
import { mayBeReplaced } from "./renew-id.ts";
import type { RequestSession, SessionChange } from "./request-session.ts";

interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
}

/**
 * Saves a session that handlers have changed before anything of their answer goes out, so that the answer can still be
 * an error: 503 where the store fails, and Express's error handler for a session that has ended meanwhile, and for values
 * that cannot be stored. What changes once the head of a stream is out is saved before its end; where that fails, the
 * connection is cut.
 */
export function saveBeforeAnswer(exchange: Exchange, own: RequestSession, settings: SessionSettings): void {
  const { req, res, next } = exchange;
  const fail = (held: HeldAnswer, error: unknown): void => {
    held.withdraw();
    if (isNothingStored(error)) return next(error);
    warnOfStoreError("session", error);
    if (!held.isBegun) sendStoreUnavailable(res, "The session cannot be saved at the moment.");
  };
  const save = ({ session, now }: SessionChange, held: HeldAnswer): void => {
    own.save(session, now, (error) => {
      if (error) return fail(held, error);
      try {
        held.release();
      } catch (refusal) {
        next(refusal);
      }
    });
  };
  const ask: AskAnswer = (part) => {
    const change = own.change();
    if (part === "head") setFields(exchange, own, change, settings);
    if (!change) return undefined;
    // A handler that was told of the failure, and answers so.
    const isTold = change.hasFailed && res.statusCode >= 400;
    if (change.isUnsaved && !isTold)
      return (held) =>
        attempt(
          () => save(change, held),
          (error) => fail(held, error),
        );
    if (part === "head" && own.isToBeTouched) touch(req, settings);
    return undefined;
  };

  holdAnswer(res, (part) => {
    try {
      return ask(part);
    } catch (error) {
      // Not thrown at who answers, and may be at the end of a pipe.
      return (held) =>
        process.nextTick(() => {
          held.withdraw();
          next(error);
        });
    }
  });
}

function attempt(run: () => void, onError: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    onError(error);
  }
}

/** The session's cookie, where it is to be set, and what goes with it. */
function setFields(
  { req, res }: Exchange,
  own: RequestSession,
  change: SessionChange | undefined,
  settings: SessionSettings,
): void {
  const {
    cookie: { name },
    secrets: [secret],
    rolling,
  } = settings;
  if (!change) {
    const gone = own.goneCookie;
    if (gone && (!gone.secure || req.secure)) setCookieFields(res, name, goneCookie(gone, name));
    return;
  }
  const { session } = change;
  const cookie = session.cookie as unknown as LiveCookie;
  prolong(session);
  const { isModified, isCookieChanged, isStored } = change;
  const isOld = req.sessionID === own.cookieId;
  const isSet = isOld
    ? rolling || isCookieChanged || (cookie.expires !== null && cookie.expires !== undefined && isModified)
    : isModified || isStored;
  if (isOld && mayBeReplaced(session, settings)) return;
  if (!isSet || (cookie.secure && !req.secure)) return;
  setCookieFields(res, name, sessionCookie(cookie, { name, id: req.sessionID, secret }));
}

/** express-session's, by which a cookie lives on from now. It reads the clock twice, upon which an age may shrink. */
function prolong(session: SessionChange["session"]): void {
  const cookie = session.cookie as unknown as LiveCookie;
  const { originalMaxAge } = cookie;
  session.touch();
  cookie.originalMaxAge = originalMaxAge;
}

/** Nobody waits for it: the session lives as it is, and a failure, which the store has published, changes no answer. */
function touch({ sessionID, session }: Request, { store }: SessionSettings): void {
  attempt(() => store.touch?.(sessionID, session, warnOfFailure), warnOfFailure);
}

function warnOfFailure(error?: unknown): void {
  if (error) warnOfStoreError("session", error);
}
