import { captureResponse, type Captured } from "../response/capture.ts";
import { headersOf, type TakenHead, type Verdict } from "../response/head-copy.ts";
import { warnOfStoreError } from "../response/store-failure.ts";
import { formatCacheStatus } from "./http/cache-status.ts";
import { confirms, evaluateConditions, validatorsOf } from "./http/conditional.ts";
import { fieldsOf } from "./http/fields.ts";
import { isOriginError, mayServeStaleOnError } from "./http/reuse.ts";
import { varyValues } from "./http/vary.ts";
import type { Landed } from "./flights.ts";
import { confirmed, keepable, ownVary, refusalOf, type Keepable, type Refused } from "./kept-response.ts";
import { noteLed } from "./led-keys.ts";
import { showInside } from "./request-inside.ts";
import { hasSession } from "./request-policy.ts";
import { saveFromCut } from "./save-from-cut.ts";
import type { Found } from "./response-store.ts";
import type { Exchange, Room } from "./room.ts";
import { sendStored } from "./send-stored.ts";
import { storedFields, type StoredResponse } from "./stored-response.ts";

/** On what terms a handler runs. */
export interface Run {
  readonly found: Found;
  /** Whether this request leads its key, so that its response may be kept. */
  readonly token?: string | undefined;
  /** To be kept with the response, from before it was made. */
  readonly stamps: readonly string[];
  /** Why the request goes on to the handler, as RFC 9211 names it. */
  readonly forward: "uri-miss" | "vary-miss" | "stale";
  /** Whether there is nobody to answer: the response is made for the store alone. */
  readonly isDetached?: boolean;
}

/**
 * Runs the layers inside for one request, sends what they make, and keeps a copy where that is allowed. A stored
 * response that is stale is asked about with its validators; confirmed, it is what the client gets. It also stands for
 * an error, and for a handler that cuts the connection, where it may (RFC 9111 §4.2.4, RFC 5861 §4).
 *
 * Resolves when it is over, with what others who waited may be given. Never rejects.
 */
export function runHandler(room: Room, exchange: Exchange, run: Run): Promise<Landed> {
  const { res, next } = exchange;
  return new Promise((resolve) => {
    const landing = new Landing(room, exchange, run);
    const capture = captureResponse(res, {
      maxBodyBytes: room.maxBodyBytes,
      judge: (head) => landing.judge(head),
      onWithheld: (head) => resolve(landing.instead(head)),
      onComplete: (captured) => resolve(landing.keep(captured)),
      onIncomplete: () => resolve(landing.giveUp()),
    });
    if (landing.maySaveFromCut) {
      saveFromCut(res, () => {
        capture.takeBack();
        resolve(landing.instead(undefined));
      });
    }
    next();
  });
}

/** One run, from the handler's first word to what is kept of it. */
class Landing {
  readonly #room: Room;
  readonly #exchange: Exchange;
  readonly #run: Run;
  readonly #stale: StoredResponse | undefined;
  readonly #showOutside: () => void;
  readonly #requestedAt = Date.now();
  readonly #isConditional: boolean;
  readonly #leaveKey: (() => void) | undefined;
  #token: string | undefined;

  constructor(room: Room, exchange: Exchange, run: Run) {
    this.#room = room;
    this.#exchange = exchange;
    this.#run = run;
    this.#stale = run.found.stored;
    this.#token = run.token;
    const giveUp = (): Promise<void> => this.#abandon();
    if (run.token !== undefined) this.#leaveKey = noteLed(exchange.req, run.found.entryKey, giveUp);
    const validators = this.#stale && validatorsOf(storedFields(this.#stale));
    this.#isConditional = validators?.ifNoneMatch !== undefined || validators?.ifModifiedSince !== undefined;
    exchange.holdRequest();
    this.#showOutside = showInside(exchange.req, validators, room.rules);
    exchange.res.once("close", this.#showOutside);
  }

  /** Judges a head that is about to go out, and says in Cache-Status what becomes of the response. */
  judge(head: TakenHead): Verdict {
    const { req, res, request, report } = this.#exchange;
    this.#showOutside();
    if (this.#confirms(head)) return "withhold";
    const stale = this.#stale;
    if (stale && isOriginError(head.status) && mayServeStaleOnError(stale, Date.now())) return "withhold";
    // Of another response than the stored one, and nothing that this client has asked for.
    if (head.status === 304 && this.#isConditional && stale?.lifetime.mustRevalidate === false)
      return "withhold";
    report("miss");
    if (!res.hasHeader("Date")) res.setHeader("Date", new Date().toUTCString());
    if (this.#run.isDetached) return "send";
    const fields = fieldsOf(headersOf(res));
    const { rules } = this.#room;
    const refusal = this.#refusal() ?? refusalOf({ status: head.status, fields }, this.#origin(), rules);
    if (!refusal) for (const name of ownVary(fields, rules)) res.vary(name);
    res.append("Cache-Status", this.#status({ fwdStatus: head.status, refusal }));
    // The handler has not seen them, and has made the whole response.
    if (req.method !== "GET" || head.status !== 200) return "send";
    return evaluateConditions(request, fields) === "not-modified" ? "not-modified" : "send";
  }

  /** The stored response goes out in place of the handler's: confirmed by its 304, or for want of a better one. */
  async instead(head: TakenHead | undefined): Promise<Landed> {
    const stale = this.#stale;
    if (!stale) return this.giveUp();
    if (!head || !this.#confirms(head)) {
      const detail = head?.status === 304 ? "unconfirmed" : "stale-if-error";
      this.#answer(stale, "stale", { fwdStatus: head?.status, detail });
      // Asked without conditions the next time, the handler makes a whole one.
      if (head?.status === 304) await this.#forget();
      return this.giveUp();
    }
    const kept = confirmed(stale, head, this.#origin(), this.#room.rules);
    this.#answer("response" in kept ? kept.response : stale, "revalidated", { fwdStatus: 304 });
    return this.#store(kept);
  }

  async keep(captured: Captured): Promise<Landed> {
    const refusal = this.#refusal();
    return this.#store(refusal ? { refusal } : await keepable(captured, this.#origin(), this.#room.rules));
  }

  async #forget(): Promise<void> {
    await this.#room.responses.delete(this.#run.found.target.key).catch(tooLate);
  }

  /** Nothing came of it that anybody else could have. */
  async giveUp(): Promise<Landed> {
    this.#exchange.report("miss");
    await this.#abandon();
    return { outcome: "failed" };
  }

  async #abandon(): Promise<void> {
    const token = this.#token;
    this.#token = undefined;
    this.#leaveKey?.();
    if (token !== undefined) await this.#room.responses.abandon(this.#run.found, token).catch(tooLate);
  }

  /** Whether the stored response may stand for a handler that cuts the connection. */
  get maySaveFromCut(): boolean {
    return this.#stale?.lifetime.mustRevalidate === false && !this.#run.isDetached;
  }

  async #store(kept: Keepable): Promise<Landed> {
    if (!("response" in kept)) {
      await this.giveUp();
      // What one client does not want stored, the next one may.
      return { outcome: kept.refusal === "request-no-store" ? "failed" : "unfit" };
    }
    this.#leaveKey?.();
    const token = this.#token;
    const { response, names, ttlMs } = kept;
    const isRefused = token !== undefined && (await this.#isRefused({ response, names, ttlMs, token }));
    if (isRefused) return { outcome: "failed" };
    return { outcome: "kept", stored: response, names, values: varyValues(names, this.#exchange.request) };
  }

  /** Whether somebody has invalidated it meanwhile: whoever came after that must not get it. */
  async #isRefused(keeping: Parameters<Room["responses"]["keep"]>[1]): Promise<boolean> {
    try {
      return !(await this.#room.responses.keep(this.#run.found, keeping));
    } catch (error) {
      tooLate(error);
      return false;
    }
  }

  /** Why a response is kept for nobody, whatever it says of itself. */
  #refusal(): Refused | undefined {
    if (hasSession(this.#exchange.req)) return "session";
    return this.#room.responses.hasRoom(this.#run.found) ? undefined : "variants";
  }

  #answer(
    stored: StoredResponse,
    outcome: "stale" | "revalidated",
    told: { fwdStatus?: number | undefined; detail?: string },
  ): void {
    this.#showOutside();
    this.#exchange.report(outcome);
    // For layers inside that wait for its end.
    if (this.#run.isDetached) this.#exchange.res.end();
    else sendStored(this.#exchange, stored, this.#status(told));
  }

  #confirms({ status, headers }: TakenHead): boolean {
    if (status !== 304 || !this.#stale || !this.#isConditional) return false;
    return confirms(fieldsOf(headers), storedFields(this.#stale));
  }

  #status(told: { fwdStatus?: number | undefined; refusal?: string | undefined; detail?: string }): string {
    return formatCacheStatus(this.#room.name, {
      fwd: this.#run.forward,
      fwdStatus: told.fwdStatus,
      stored: this.#token !== undefined && told.refusal === undefined && told.detail === undefined,
      detail: told.detail ?? told.refusal,
    });
  }

  #origin(): Parameters<typeof keepable>[1] {
    const { req, request } = this.#exchange;
    const { found, stamps } = this.#run;
    return {
      method: req.method,
      request,
      requestedAt: this.#requestedAt,
      respondedAt: Date.now(),
      tags: found.target.tags,
      stamps,
    };
  }
}

/** The client has its response already, whatever comes of this; the store publishes it. */
function tooLate(error: unknown): void {
  warnOfStoreError("responseCache", error);
}
