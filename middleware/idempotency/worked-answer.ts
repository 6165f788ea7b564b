import type { Request, Response } from "express";
import { keepTrying } from "../../stores/keep-trying.ts";
import type { IdempotencyEvent } from "../../telemetry/channels.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { copyAnswer, type Answer } from "../response/answer-copy.ts";
import { holdEnd } from "../response/held-end.ts";
import { warnOfStoreError } from "../response/store-failure.ts";
import { keepExtending } from "./keep-extending.ts";
import type { Settings } from "./options.ts";
import { encodeAnswer, OVERSIZED_RECORD } from "./record.ts";

/** Work that this process has begun. */
export interface Work {
  /** The client's. */
  readonly key: string;
  /** The store's. */
  readonly id: string;
  readonly owner: string;
  readonly fingerprint: string;
}

type Report = (outcome: IdempotencyEvent["outcome"], code?: string) => void;

interface End {
  readonly outcome: "recorded" | "oversized" | "released";
  /** False where the key is another's. */
  readonly tell: () => Promise<boolean>;
}

/**
 * Keeps the answer that the layers inside will give, before its client can know that it is complete: who has it may be
 * sure that it is kept, unless the store fails just then. Meanwhile the key is extended.
 */
export function recordAnswer(
  { req, res }: { req: Request; res: Response },
  work: Work,
  settings: Settings,
  report: Report,
): void {
  const { store, lockMs, ttlMs } = settings;
  const { id, owner, fingerprint } = work;
  let verdict: boolean | undefined;
  const stopExtending = keepExtending(res, {
    lockMs,
    extend: () => store.extend(id, owner, lockMs),
    retake: async () => (await store.begin(id, { owner, fingerprint, lockMs })).state === "begun",
  });

  const endOf = (answer: Answer | undefined): End => {
    if (!answer || !(verdict ?? isFinal(answer))) {
      return { outcome: "released", tell: () => store.abandon(id, owner) };
    }
    const encoded = encodeAnswer(answer, store.maxRecordBytes);
    const completion = { owner, fingerprint, record: encoded ?? OVERSIZED_RECORD, ttlMs };
    return { outcome: encoded ? "recorded" : "oversized", tell: () => store.complete(id, completion) };
  };
  const settle = async (): Promise<void> => {
    stopExtending();
    const { outcome, tell } = endOf(copy.taken());
    try {
      report((await tell()) ? outcome : "lost");
    } catch (error) {
      report("record-failed", warnOfStoreError("idempotency", error));
      warnOnce(
        "ERS_ANSWER_NOT_KEPT",
        "idempotency: the store could not be told that a request's work is done; its client has the answer, but a retry may run it again",
      );
      // Nobody waits for it: the answer is out by then.
      void keepTrying(tell, lockMs);
    }
  };

  const end = holdEnd(res, () => {
    // The copy has its last chunk once the end has returned.
    queueMicrotask(() => void settle().finally(() => end.release()));
  });
  const copy = copyAnswer(res, store.maxRecordBytes);
  req.idempotency = { key: work.key, keepAnswer: (keep) => void (verdict = keep) };
}

/** Answers that were given in place of the work, whose client is to try again: with other credentials, or later. */
const TRY_AGAIN: ReadonlySet<number> = new Set([401, 408, 425, 429]);

/**
 * Whether an answer is the result of the work. A success or an error that comes of the request itself is; an error of
 * the server (5xx), and a refusal that says when to come again, are not.
 */
function isFinal({ status, headers }: Answer): boolean {
  if (status >= 500 || TRY_AGAIN.has(status)) return false;
  return status < 400 || !headers.some(([name]) => name === "retry-after");
}
