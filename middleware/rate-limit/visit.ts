import type { NextFunction, Request, Response } from "express";
import type {
  PolicySet,
  RateLimitDecision,
  RateLimitReceipt,
  RateLimitStore,
} from "../../stores/rate-limit/contract.ts";
import { channels, publish, type RateLimitEvent } from "../../telemetry/channels.ts";
import { endUnread, isAnswered } from "../response/answered.ts";
import { holdConcurrency, tooLate } from "./concurrency.ts";
import type { HeaderWriter } from "./headers.ts";
import { retryAfterSeconds, sendLimited } from "./limited-response.ts";
import type { OnLimited } from "./on-limited.ts";

/** What a limiter leaves on `req.rateLimit` for the layers behind it; of several limiters the last one's. */
export interface RequestRateLimit {
  readonly decision: RateLimitDecision;
  /** Gives back what this request took, as far as it has not run out. Never rejects; a store away keeps the units. */
  refund(): Promise<void>;
}

/** What is the same for every request of a limiter. */
export interface Limiter {
  readonly store: RateLimitStore;
  /** Whether units are taken before the handler runs, or only looked at. */
  readonly mode: "consume" | "peek";
  readonly headers: readonly HeaderWriter[];
  readonly onLimited: "deny" | "shadow" | OnLimited;
}

/** What was asked of the store for one request. */
export interface Question {
  readonly key: string;
  readonly policies: PolicySet;
  readonly cost: number;
  readonly startedAt: number;
}

interface Exchange {
  readonly req: Request;
  readonly res: Response;
  readonly next: NextFunction;
}

/** One request at a limiter, from the store's decision on: exactly one of its endings is called. */
export class Visit implements RequestRateLimit {
  readonly #limiter: Limiter;
  readonly #question: Question;
  readonly #exchange: Exchange;
  #decision: RateLimitDecision;
  #receipt: RateLimitReceipt | undefined;
  #reported = false;
  #takeBackFields = (): void => {};

  constructor(limiter: Limiter, question: Question, exchange: Exchange & { decision: RateLimitDecision }) {
    this.#limiter = limiter;
    this.#question = question;
    this.#exchange = exchange;
    this.#decision = exchange.decision;
  }

  get decision(): RateLimitDecision {
    return this.#decision;
  }

  /** Ends as the decision and the limiter's `onLimited` say. */
  end(): void | Promise<void> {
    const { onLimited } = this.#limiter;
    if (this.#decision.allowed) return this.#pass(this.#decision);
    if (onLimited === "deny") return this.#deny(this.#decision);
    if (onLimited !== "shadow") return this.#handOver(onLimited);
    this.#report("shadow-limited");
    this.#admit();
  }

  async refund(): Promise<void> {
    const receipt = this.#receipt;
    this.#receipt = undefined;
    const { key, policies } = this.#question;
    if (receipt) await this.#limiter.store.refund(key, policies, receipt).catch(tooLate);
  }

  /** Takes what the request costs, even past the limit. Never rejects; a store away takes nothing. */
  async charge(): Promise<void> {
    const { key, policies, cost } = this.#question;
    await this.#limiter.store.charge(key, policies, cost).catch(tooLate);
  }

  #pass(decision: RateLimitDecision): void {
    this.#decision = decision;
    this.#report("allowed");
    this.#writeFields();
    this.#admit();
  }

  #deny(decision: RateLimitDecision): void {
    this.#decision = decision;
    this.#report("limited");
    this.#writeFields();
    sendLimited(this.#exchange.res, decision, this.#question.policies);
  }

  #handOver(onLimited: OnLimited): void | Promise<void> {
    const { req, res } = this.#exchange;
    const decision = this.#decision;
    if (res.destroyed) {
      this.#report("limited");
      return endUnread(res);
    }
    this.#writeFieldsForNow();
    // One that responds itself calls neither; refused is refused.
    res.once("close", () => this.#reported || this.#report("limited"));
    const { store, mode } = this.#limiter;
    const { key, policies, cost } = this.#question;
    return onLimited({
      req,
      res,
      decision,
      retry: () => store[mode](key, policies, cost),
      pass: (later) => this.#pass(later),
      deny: (later = decision) => this.#deny(later),
    });
  }

  #admit(): void {
    const { req, res, next } = this.#exchange;
    const { key, policies } = this.#question;
    this.#receipt = this.#decision.receipt;
    req.rateLimit = this;
    if (this.#receipt) holdConcurrency(res, this.#limiter.store, { key, policies, receipt: this.#receipt });
    // Another layer may have responded while the store was asked, for example a timeout.
    if (isAnswered(res)) return;
    if (res.destroyed) return endUnread(res);
    next();
  }

  /** Writes the fields of the decision, in place of those of an earlier one. */
  #writeFields(): void {
    const { res } = this.#exchange;
    const { headers, onLimited } = this.#limiter;
    if (onLimited === "shadow" || isAnswered(res)) return;
    this.#takeBackFields();
    const { key, policies } = this.#question;
    for (const write of headers) write(res, { policies, decision: this.#decision, key });
  }

  /** For a response of `onLimited`'s own; they are taken back where it lets the request pass, or denies it as usual. */
  #writeFieldsForNow(): void {
    const { res } = this.#exchange;
    if (isAnswered(res)) return;
    const before = { ...res.getHeaders() };
    this.#writeFields();
    const waitSeconds = retryAfterSeconds(this.#decision, this.#question.policies);
    if (waitSeconds !== undefined) res.setHeader("Retry-After", waitSeconds);
    this.#takeBackFields = restoring(res, before);
  }

  #report(outcome: RateLimitEvent["outcome"]): void {
    this.#reported = true;
    publish(channels.rateLimit, () => eventOf(this.#question, outcome, this.#decision));
  }
}

/** What came of a question; without a decision of a store that could not be asked. */
export function eventOf(
  { policies, startedAt }: Question,
  outcome: RateLimitEvent["outcome"],
  decision?: RateLimitDecision,
): RateLimitEvent {
  const isRefusal = outcome === "limited" || outcome === "shadow-limited";
  const refusing = isRefusal ? decision?.policies.find(({ allowed }) => !allowed)?.name : undefined;
  const unitsInFallback = decision?.unitsInFallback;
  return {
    limiter: policies.list.map(({ name }) => name).join("+"),
    outcome,
    source: decision?.source ?? "store",
    durationMs: performance.now() - startedAt,
    ...(refusing === undefined ? {} : { policy: refusing }),
    ...(unitsInFallback === undefined ? {} : { unitsInFallback }),
  };
}

/** Brings back the header fields that were changed since `before`, and no others. */
function restoring(
  res: Response,
  before: Readonly<Record<string, number | string | string[] | undefined>>,
): () => void {
  const after = res.getHeaders();
  const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
  return () => {
    for (const name of changed) {
      const value = before[name];
      if (value === undefined) res.removeHeader(name);
      else res.setHeader(name, value);
    }
  };
}
