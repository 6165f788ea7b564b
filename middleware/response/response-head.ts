import { ServerResponse, type OutgoingHttpHeader } from "node:http";
import type { Response } from "express";
import { codedError } from "./chunk.ts";
import { cover } from "./cover.ts";

export interface StatusLine {
  readonly status: number;
  /** Node's own for the status, where there is none. */
  readonly message: string | undefined;
}

/** The head of a response as it stands, to be put back. */
export interface ResponseHead extends StatusLine {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, OutgoingHttpHeader>;
}

export function headOf(res: Response): ResponseHead {
  const headers = new Map<string, OutgoingHttpHeader>();
  for (const [name, value] of Object.entries(res.getHeaders())) {
    // Lists are copied: Node adds to those that stand.
    if (value !== undefined) headers.set(name, Array.isArray(value) ? [...value] : value);
  }
  return { status: res.statusCode, message: res.statusMessage, headers };
}

export function putBack(res: Response, { status, message, headers }: ResponseHead): void {
  for (const name of res.getHeaderNames()) if (!headers.has(name)) res.removeHeader(name);
  for (const [name, value] of headers) if (res.getHeader(name) !== value) res.setHeader(name, value);
  setStatus(res, { status, message });
}

export function setStatus(res: Response, { status, message }: StatusLine): void {
  // Undefined until Node or somebody else sets it, whatever its type says.
  Object.assign(res, { statusCode: status, statusMessage: message });
}

/** Has Node refuse a head that it would refuse, on a response that nobody reads. */
export function assertHead(res: Response, { status, message }: StatusLine): void {
  const probe = new ServerResponse(res.req);
  for (const [name, value] of Object.entries(res.getHeaders())) {
    if (value !== undefined) probe.setHeader(name, value);
  }
  if (message) probe.writeHead(status, message);
  else probe.writeHead(status);
}

/** Makes a head look as if it were out, and returns how to show it as it is. */
export function coverHead(res: Response): () => void {
  const covers = [
    cover(res, "headersSent", true),
    // Node's own field, which some layers ask instead, express-session among them.
    cover(res, "_header" as keyof Response, "\r\n"),
    cover(res, "setHeader", refuse("set")),
    cover(res, "setHeaders", refuse("set")),
    cover(res, "appendHeader", refuse("append")),
    cover(res, "removeHeader", refuse("remove")),
  ];
  return () => {
    for (const uncover of covers) uncover();
  };
}

function refuse(verb: string): () => never {
  return () => {
    throw headersSent(verb);
  };
}

/** What Node throws for a head that is out. */
export function headersSent(verb: string): Error {
  return codedError(
    new Error(`Cannot ${verb} headers after they are sent to the client`),
    "ERR_HTTP_HEADERS_SENT",
  );
}
