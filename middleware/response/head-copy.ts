import type { Response } from "express";
import { cover } from "./cover.ts";
import { setFields } from "./head-fields.ts";

/** Names are in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string | readonly string[]])[];

/**
 * What becomes of a head that is about to go out: `send` as it is, `not-modified` sends 304 without a body in its place,
 * `withhold` sends nothing of the response.
 */
export type Verdict = "send" | "not-modified" | "withhold";

export interface TakenHead {
  readonly status: number;
  /** Those set, changed or added to since the copy was begun. */
  readonly headers: HeaderList;
  readonly contentLength: string | undefined;
}

/** The headers of a 200 that tell of its body; a 304 has none. */
const BODY_HEADERS = ["Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Trailer"];

/** Copies the head of a response as it goes out, and lets somebody judge it. */
export class HeadCopy {
  readonly #res: Response;
  readonly #judge: ((head: TakenHead) => Verdict) | undefined;
  readonly #before: ReadonlyMap<string, string | readonly string[]>;
  readonly #statusBefore: number;
  #taken: TakenHead | undefined;
  #verdict: Verdict = "send";
  #judged: number | undefined;
  #uncover: (() => void) | undefined;

  constructor(res: Response, judge: ((head: TakenHead) => Verdict) | undefined) {
    this.#res = res;
    this.#judge = judge;
    this.#statusBefore = res.statusCode;
    // Lists are copied: Node adds to those that stand.
    this.#before = new Map(headersOf(res));
  }

  get taken(): TakenHead | undefined {
    return this.#taken;
  }

  /** Whether a 304 goes out in place of the head that was taken. An error meanwhile has another status. */
  get isReplaced(): boolean {
    return this.#verdict === "not-modified" && this.#res.statusCode === 304;
  }

  get isWithheld(): boolean {
    return this.#verdict === "withhold";
  }

  sentHeaders(): HeaderList {
    return headersOf(this.#res);
  }

  /** Makes the response of a withheld head as it was before: nothing of it has gone out. */
  takeBack(): void {
    const res = this.#res;
    this.#uncover?.();
    for (const name of res.getHeaderNames()) if (!this.#before.has(name)) res.removeHeader(name);
    for (const [name, value] of this.#before) res.setHeader(name, value);
    res.statusCode = this.#statusBefore;
    res.statusMessage = "";
    this.#verdict = "send";
  }

  /** Before the first byte, which a 304 would not have. */
  prepare(): void {
    if (this.#judge && !this.#res.headersSent) this.#take();
  }

  /** For the arguments of `writeHead`, returns those to go on with; their headers are set by then, seen by all layers. */
  take(args: readonly unknown[]): readonly unknown[] {
    if (this.#res.headersSent) return args;
    const [status, reason, fields] = args;
    const isSet = setFields(this.#res, typeof reason === "string" ? fields : (fields ?? reason));
    // What Node refuses is left to Node.
    if (typeof status !== "number" || !isSet) return args;
    this.#res.statusCode = status;
    this.#take();
    if (this.isReplaced || typeof reason !== "string") return [this.#res.statusCode];
    return [status, reason];
  }

  #take(): void {
    if (this.isReplaced || this.isWithheld) return;
    const res = this.#res;
    const headers = headersOf(res).filter(([name, value]) => !isSame(this.#before.get(name), value));
    const contentLength = res.getHeader("Content-Length");
    this.#taken = {
      status: res.statusCode,
      headers,
      contentLength: contentLength === undefined ? undefined : String(contentLength),
    };
    // Asked once for a head that is made in two steps; that of an error meanwhile is another.
    if (this.#judged === res.statusCode) return;
    this.#judged = res.statusCode;
    this.#verdict = this.#judge?.(this.#taken) ?? "send";
    // To everybody else it is on its way: an error now comes too late to be answered.
    if (this.isWithheld) this.#uncover = cover(res, "headersSent", true);
    if (this.#verdict !== "not-modified") return;
    for (const name of BODY_HEADERS) res.removeHeader(name);
    res.statusCode = 304;
    res.statusMessage = "";
  }
}

/** All headers that are set, each list a copy. */
export function headersOf(res: Response): [name: string, value: string | string[]][] {
  return Object.entries(res.getHeaders()).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? [...value] : String(value)]],
  );
}

function isSame(before: string | readonly string[] | undefined, now: string | readonly string[]): boolean {
  if (typeof before === "string" || typeof now === "string" || before === undefined) return before === now;
  return before.length === now.length && before.every((value, at) => value === now[at]);
}
