import type { Request } from "express";
import { channels, publish, type SessionEvent } from "../../telemetry/channels.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { isAnswered } from "../response/answered.ts";
import { sendStoreUnavailable, storeFailure, warnOfStoreError } from "../response/store-failure.ts";
import { createLoader } from "./load-session.ts";
import { noteUnavailable } from "./log-in.ts";
import { keepsTimes, settingsOf, type SessionOptions, type SessionSettings } from "./options.ts";
import { renewId } from "./renew-id.ts";
import type { RequestSession } from "./request-session.ts";
import { saveBeforeAnswer } from "./save-before-answer.ts";
import { warnOfSharedStore, warnOfUnsentCookie } from "./warnings.ts";

/**
 * Sessions by express-session, whose `req.session` this is, with what its end of a request lacks: a session that was
 * changed is saved before anything of the answer goes out, so that an answer that says that something was remembered is
 * true. A save that fails is a 503, and a session that has ended meanwhile goes to Express's error handler with status
 * 401. Nothing is stored for a visitor until there is something to remember, and nothing is written back unchanged.
 *
 * Publishes how a request came by its session, once, on the channel `express-redis-suite:session`, and each save on
 * `express-redis-suite:session-save`.
 *
 * @throws TypeError at construction for an option that is unknown or invalid, or that the store cannot keep
 * @example
 * app.use(session({ store: stores.session, secret: process.env.SESSION_SECRET }));
 */
export function session(options: SessionOptions): RouteMiddleware {
  const settings = settingsOf(options);
  warnOfSharedStore(settings.store);
  const load = createLoader(settings);

  return forAnyRoute(function sessionMiddleware(req, res, next) {
    // Another one's, in front. Undefined elsewhere, whatever the types say.
    if (req.session as unknown) return next();
    if (settings.cookie.attributes.secure === true) warnOfUnsentCookie(req);
    const startedAt = performance.now();
    const report = (outcome: SessionEvent["outcome"], code?: string): void =>
      publish(channels.session, () => ({
        outcome,
        durationMs: performance.now() - startedAt,
        ...(code === undefined ? {} : { code }),
      }));

    const onError = (error: unknown): void => {
      let code: string;
      try {
        code = storeFailure("session", error);
      } catch (mistake) {
        return next(mistake);
      }
      const { onStoreError } = settings;
      report(`store-error-${onStoreError === "deny" ? "denied" : "anonymous"}`, code);
      if (onStoreError === "deny") return sendStoreUnavailable(res, "Sessions cannot be read at the moment.");
      noteUnavailable(req, error);
      if (!isAnswered(res)) next();
    };
    const goOn = (own: RequestSession): void => {
      // A timeout's answer, for example: the handlers behind could only fail.
      if (isAnswered(res)) return;
      saveBeforeAnswer({ req, res, next }, own, settings);
      next();
    };
    const onLoaded = (own: RequestSession): void => {
      report(own.cookieId === undefined ? "new" : "loaded");
      const renewed = renewal(req, own, settings);
      if (renewed) renewed.then(() => goOn(own), next);
      else goOn(own);
    };
    load(req, res, (error, own) => {
      if (error !== undefined) onError(error);
      else if (own) onLoaded(own);
      else if (!isAnswered(res)) next();
    });
  });
}

/** Undefined where there is nothing to wait for. Rejects for a mistake; an outage leaves the session its old id. */
function renewal(
  req: Request,
  own: RequestSession,
  { store, renewIdEveryMs }: SessionSettings,
): Promise<void> | undefined {
  if (renewIdEveryMs === undefined || own.cookieId === undefined || !keepsTimes(store)) return undefined;
  const ageMs = store.idAgeMs(req.session);
  if (ageMs === undefined || ageMs < renewIdEveryMs) return undefined;
  return renewId(req, own, store, renewIdEveryMs).catch((error: unknown) => {
    if (error instanceof TypeError) throw error;
    warnOfStoreError("session", error);
  });
}
