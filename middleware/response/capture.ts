import type { Response } from "express";
import { BodyCopy } from "./body-copy.ts";
import { assertChunk, chunkArguments, type ChunkArguments } from "./chunk.ts";
import { HeadCopy, type HeaderList, type TakenHead, type Verdict } from "./head-copy.ts";
import { mayHaveBody, replaceMethods } from "./methods.ts";

/** What went out through a response, whole. */
export interface Captured {
  readonly status: number;
  /** Those that the layers inside have set, changed or added to. */
  readonly headers: HeaderList;
  /** All headers that went out, whoever set them. */
  readonly sentHeaders: HeaderList;
  readonly body: Buffer;
}

export interface CaptureOptions {
  /** A longer body is sent on, and not captured. */
  readonly maxBodyBytes: number;
  /** Asked when the head is about to go out, with its status and headers set. Default: it is sent. */
  readonly judge?: ((head: TakenHead) => Verdict) | undefined;
  /** Called once the last byte was handed to the operating system; not for a response that was withheld. */
  readonly onComplete: (captured: Captured) => void;
  /** Called when a withheld response has ended: the response is as it was before, for another answer. */
  readonly onWithheld?: (head: TakenHead) => void;
  /** Called in place of the others for a response that was cut off, grew too long, or has not the length it says. */
  readonly onIncomplete?: () => void;
}

export interface Capture {
  /** Ends the copy of a response whose head is not out yet, and makes it as it was before, for another answer. */
  takeBack(): void;
}

/**
 * Copies a response while it is sent, without holding back a byte of it. `onComplete` is not called for a response that
 * was cut off, has another length than its Content-Length says, or grew past `maxBodyBytes`: what is incomplete must
 * not be kept (RFC 9111 §3.3).
 *
 * Headers that stood before and were left alone, and those that the layers outside set as the head goes out, belong to
 * this one request (quota, security, cookies): they are in `sentHeaders` only.
 */
export function captureResponse(res: Response, options: CaptureOptions): Capture {
  const { judge, onComplete, onWithheld, onIncomplete } = options;
  const head = new HeadCopy(res, judge);
  const body = new BodyCopy(options.maxBodyBytes);
  let settled = false;

  const originals = replaceMethods(res, {
    writeHead(...args: unknown[]): Response {
      const rest = head.take(args);
      return head.isWithheld ? res : originals.writeHead(...rest);
    },
    write(...args: unknown[]): boolean {
      const given = chunkArguments(args);
      const accepted = !res.writableEnded;
      head.prepare();
      const more = head.isReplaced || head.isWithheld ? dropChunk(res, given) : originals.write(...args);
      // Only now, since what Node refuses has thrown.
      if (accepted) body.add(given);
      return more;
    },
    end(...args: unknown[]): Response {
      const given = chunkArguments(args);
      const accepted = !res.writableEnded;
      head.prepare();
      if (head.isReplaced || head.isWithheld) assertChunk(given);
      if (head.isWithheld) return endWithheld(given);
      const ended = head.isReplaced ? originals.end(given.callback) : originals.end(...args);
      if (accepted) body.add(given);
      body.close();
      return ended;
    },
  });

  const takeBack = (): void => {
    settled = true;
    originals.restore();
    head.takeBack();
  };
  const endWithheld = ({ callback }: ChunkArguments): Response => {
    if (settled || !head.taken) return res;
    takeBack();
    if (callback) res.once("finish", callback);
    onWithheld?.(head.taken);
    return res;
  };
  res.once("finish", () => {
    originals.restore();
    const taken = head.taken;
    const copy = taken && body.complete(mayHaveBody(res.req.method, taken.status), taken.contentLength);
    if (settled || !copy) return;
    settled = true;
    onComplete({ ...taken, sentHeaders: head.sentHeaders(), body: copy });
  });
  // Comes after `finish`; before it where the client has left, after which Node may still say that all was sent.
  res.once("close", () => {
    originals.restore();
    body.discard();
    if (settled) return;
    settled = true;
    onIncomplete?.();
  });
  return { takeBack };
}

/** The 304 has no body; its head goes out at the time that the response's would have. */
function dropChunk(res: Response, given: ChunkArguments): boolean {
  assertChunk(given);
  if (!res.headersSent) res.writeHead(res.statusCode);
  if (given.callback) process.nextTick(given.callback);
  return true;
}
