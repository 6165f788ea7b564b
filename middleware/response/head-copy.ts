import type { Response } from "express";

/** Names are in lower case. */
export type HeaderList = readonly (readonly [name: string, value: string | readonly string[]])[];

export interface TakenHead {
  readonly status: number;
  /** Those set, changed or added to since the copy was begun. */
  readonly headers: HeaderList;
  readonly contentLength: string | undefined;
}

/** The headers of a 200 that tell of its body; a 304 has none. */
const BODY_HEADERS = ["Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Trailer"];

/** Copies the head of a response as it goes out, and may put a 304 in its place. */
export class HeadCopy {
  readonly #res: Response;
  readonly #isNotModified: (() => boolean) | undefined;
  readonly #before: ReadonlyMap<string, string | readonly string[]>;
  #taken: TakenHead | undefined;
  #replaced = false;

  constructor(res: Response, isNotModified: (() => boolean) | undefined) {
    this.#res = res;
    this.#isNotModified = isNotModified;
    // Lists are copied: Node adds to those that stand.
    this.#before = new Map(headersOf(res));
  }

  get taken(): TakenHead | undefined {
    return this.#taken;
  }

  /** Whether a 304 goes out in place of the head that was taken. An error meanwhile has another status. */
  get isReplaced(): boolean {
    return this.#replaced && this.#res.statusCode === 304;
  }

  sentHeaders(): HeaderList {
    return headersOf(this.#res);
  }

  /** Before the first byte, which a 304 would not have. */
  prepare(): void {
    if (this.#isNotModified && !this.#res.headersSent) this.#take();
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
    if (this.isReplaced) return;
    const res = this.#res;
    const headers = headersOf(res).filter(([name, value]) => !isSame(this.#before.get(name), value));
    const contentLength = res.getHeader("Content-Length");
    this.#taken = {
      status: res.statusCode,
      headers,
      contentLength: contentLength === undefined ? undefined : String(contentLength),
    };
    this.#replaced = this.#isNotModified?.() ?? false;
    if (!this.#replaced) return;
    for (const name of BODY_HEADERS) res.removeHeader(name);
    res.statusCode = 304;
    res.statusMessage = "";
  }
}

function headersOf(res: Response): [name: string, value: string | string[]][] {
  return Object.entries(res.getHeaders()).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? [...value] : String(value)]],
  );
}

function isSame(before: string | readonly string[] | undefined, now: string | readonly string[]): boolean {
  if (typeof before === "string" || typeof now === "string" || before === undefined) return before === now;
  return before.length === now.length && before.every((value, at) => value === now[at]);
}

/** Sets what `writeHead` was given: an object, a flat list of names and values, or a list of pairs. */
function setFields(res: Response, fields: unknown): boolean {
  if (fields === undefined || fields === null) return true;
  if (typeof fields !== "object") return false;
  if (!Array.isArray(fields)) {
    for (const [name, value] of Object.entries(fields)) if (name) res.setHeader(name, value);
    return true;
  }
  const flat: unknown[] = Array.isArray(fields[0]) ? fields.flat(1) : fields;
  if (flat.length % 2 !== 0) return false;
  const names = flat.filter((_, at) => at % 2 === 0).map(String);
  // In place of those that stand, while a name that the list has twice is two fields.
  for (const name of names) res.removeHeader(name);
  for (const [at, name] of names.entries()) res.appendHeader(name, flat[at * 2 + 1] as string | string[]);
  return true;
}
