import { createHash, randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import type { IdempotencyState } from "../../stores/idempotency/contract.ts";
import { keepTrying } from "../../stores/keep-trying.ts";
import { channels, publish, type IdempotencyEvent } from "../../telemetry/channels.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { isAnswered } from "../response/answered.ts";
import { sendStoreUnavailable, storeFailure } from "../response/store-failure.ts";
import { replay, sendInProgress, sendInvalid, sendMismatch, sendUnavailable } from "./answers.ts";
import { parseIdempotencyKey } from "./idempotency-key.ts";
import { settingsOf, type IdempotencyOptions, type Settings } from "./options.ts";
import { decodeAnswer } from "./record.ts";
import { recordAnswer, type Work } from "./worked-answer.ts";

interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly report: (outcome: IdempotencyEvent["outcome"], code?: string) => void;
}

/**
 * Runs a request that its client sends again once: the first with an `Idempotency-Key` runs the handlers behind this one,
 * and later ones get its answer, marked `Idempotency-Replayed: true`. Others are answered 409 with Retry-After while it
 * runs, 422 for another payload with the same key, and 400 for a key that is malformed, or missing where it is required.
 *
 * An answer is final, and kept for `ttlMs`, unless its status is 401, 408, 425, 429 or 5xx, or it is a 4xx with
 * Retry-After: the key is then free, and a retry runs. `req.idempotency.keepAnswer` decides otherwise. An answer longer
 * than the store takes is not kept, but that the work is done: a retry is answered 409 without Retry-After.
 *
 * A client that leaves changes nothing: the handler works on, and its answer is kept for the retry. Of a process that
 * dies the key is free after `lockMs`.
 *
 * @throws TypeError at construction for an option that is unknown or invalid
 *
 * @example
 * app.post("/orders", idempotency({ store: stores.idempotency, scope: (req) => req.session.userId }), createOrder);
 */
export function idempotency(options: IdempotencyOptions): RouteMiddleware {
  const settings = settingsOf(options);
  const { methods, required } = settings;
  return forAnyRoute(async function idempotencyMiddleware(req, res, next) {
    const field = req.get("Idempotency-Key");
    if (!methods.has(req.method) || (field === undefined && !required)) return next();
    const startedAt = performance.now();
    const report: Exchange["report"] = (outcome, code) =>
      publish(channels.idempotency, () => ({
        outcome,
        durationMs: performance.now() - startedAt,
        ...(code === undefined ? {} : { code }),
      }));
    const key = field === undefined ? undefined : parseIdempotencyKey(field);
    if (key === undefined) {
      report("invalid");
      return sendInvalid(res, field === undefined ? "missing" : "malformed");
    }
    const work = await workOf(req, key, settings);
    if (await mayGoOn({ req, res, report }, work, settings)) next();
  });
}

/** The store knows neither users nor keys, but hashes of them. */
async function workOf(req: Request, key: string, { scopeOf, fingerprintOf }: Settings): Promise<Work> {
  const scope = await scopeOf(req);
  const [path = ""] = req.originalUrl.split("?", 1);
  return {
    key,
    id: hashOf(JSON.stringify([scope, req.method, path, key])),
    owner: randomUUID(),
    fingerprint: hashOf(await fingerprintOf(req)),
  };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** Returns false for a request that has been answered. */
async function mayGoOn(exchange: Exchange, work: Work, settings: Settings): Promise<boolean> {
  const { req, res, report } = exchange;
  const { store, lockMs, onStoreError } = settings;
  const { id, owner, fingerprint } = work;
  let state: IdempotencyState;
  try {
    state = await store.begin(id, { owner, fingerprint, lockMs });
  } catch (error) {
    // The key may be ours without our knowing it.
    void keepTrying(() => store.abandon(id, owner), lockMs);
    const code = storeFailure("idempotency", error);
    report(onStoreError === "allow" ? "store-error-allowed" : "store-error-denied", code);
    if (onStoreError === "allow") return !isAnswered(res);
    sendStoreUnavailable(res, "It cannot be told at the moment whether this request has been worked on.");
    return false;
  }
  if (state.state !== "begun") {
    answerKnown(exchange, work, state);
    return false;
  }
  if (isAnswered(res)) {
    // A timeout's answer, for example. Work that nobody is told of does not begin.
    report("released");
    await keepTrying(() => store.abandon(id, owner), lockMs);
    return false;
  }
  recordAnswer({ req, res }, work, settings, report);
  return true;
}

function answerKnown(
  { res, report }: Exchange,
  { fingerprint }: Work,
  state: Exclude<IdempotencyState, { state: "begun" }>,
): void {
  if (state.fingerprint !== fingerprint) {
    report("mismatch");
    return sendMismatch(res);
  }
  if (state.state === "in-progress") {
    report("in-progress");
    return sendInProgress(res, state);
  }
  const answer = decodeAnswer(state.record);
  report(answer ? "replayed" : "unavailable");
  if (answer) replay(res, answer);
  else sendUnavailable(res);
}
