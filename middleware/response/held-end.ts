import type { Response } from "express";
import { endAgain, refuseChunk } from "./after-end.ts";
import { beforeCut } from "./before-cut.ts";
import { assertChunk, chunkArguments, type ChunkArguments } from "./chunk.ts";
import { mayHaveBody, replaceMethods } from "./methods.ts";

export interface HeldEnd {
  /** Sends the end if it waits, and lets any later one through. */
  release(): void;
}

/**
 * Lets the end of a response wait, so that something can happen before its client can know that the response is
 * complete. What was written before the end is sent meanwhile.
 *
 * To everybody else the response has ended: its head is made and `headersSent` and `writableEnded` are true, so that an
 * error now comes too late to be answered; a second end is ignored, and a write fails. An end that Node would refuse
 * throws here, at its caller, and is not held. An end that fails only when it is sent cuts the connection.
 *
 * An end that waits goes out at once where its connection is about to be destroyed, as Express's own error handler does
 * for an error that comes after the answer: a whole answer is worth more than what it waits for.
 *
 * @param onEnd called once, when the response is about to end; `release` may be called in it
 */
export function holdEnd(res: Response, onEnd: () => void): HeldEnd {
  let held: readonly unknown[] | undefined;
  let released = false;
  let leaveSocket: (() => void) | undefined;

  const release = (): void => {
    if (released) return;
    released = true;
    originals.restore();
    leaveSocket?.();
    if (!held) return;
    // Uncovers the getter of Node's own prototype.
    delete (res as { writableEnded?: boolean }).writableEnded;
    try {
      originals.end(...held);
    } catch {
      // Its caller is long gone, and half of a response must not look like a whole one.
      res.destroy();
    }
  };
  const originals = replaceMethods(res, {
    write(...args: unknown[]): boolean {
      if (released || !held) return originals.write(...args);
      refuseChunk(res, chunkArguments(args));
      return false;
    },
    end(...args: unknown[]): Response {
      if (released || (!held && res.writableEnded)) return originals.end(...args);
      const given = chunkArguments(args);
      if (held) endAgain(res, given);
      else {
        assertChunk(given);
        makeHead(res, given);
        // Not left to the layers beneath, which may know of no callback; Node itself does no more with it.
        if (given.callback) res.once("finish", given.callback);
        held = [given.chunk, given.encoding];
        Object.defineProperty(res, "writableEnded", { configurable: true, value: true });
        leaveSocket = beforeCut(res.req.socket, release);
        onEnd();
      }
      return res;
    },
  });

  return { release };
}

/** Makes the head as `end` does: the length of a body that comes in one piece is known. Throws what Node throws. */
function makeHead(res: Response, { chunk, encoding }: ChunkArguments): void {
  if (res.headersSent) return;
  const isFramed = ["Content-Length", "Transfer-Encoding", "Trailer"].some((name) => res.hasHeader(name));
  const setsLength = !isFramed && mayHaveBody(res.req.method, res.statusCode);
  if (setsLength) {
    res.setHeader("Content-Length", chunk ? Buffer.byteLength(chunk as string | Uint8Array, encoding) : 0);
  }
  try {
    res.writeHead(res.statusCode);
  } catch (error) {
    // Another answer follows, with another length.
    if (setsLength) res.removeHeader("Content-Length");
    throw error;
  }
}
