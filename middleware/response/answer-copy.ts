import type { Response } from "express";
import { BodyCopy } from "./body-copy.ts";
import { chunkArguments } from "./chunk.ts";
import { HeadCopy, type HeaderList } from "./head-copy.ts";
import { mayHaveBody, replaceMethods } from "./methods.ts";

/** What the layers inside have answered. */
export interface Answer {
  readonly status: number;
  /** Those that the layers inside have set, changed or added to. */
  readonly headers: HeaderList;
  /** Undefined for one longer than was to be copied. */
  readonly body: Buffer | undefined;
}

export interface AnswerCopy {
  /** Undefined until the answer has ended. */
  taken(): Answer | undefined;
}

/**
 * Copies an answer as the layers inside give it. Unlike `captureResponse` it does not ask what became of it on the wire:
 * the answer to a client that has gone is one, too. An end that Node refuses has ended nothing.
 */
export function copyAnswer(res: Response, maxBodyBytes: number): AnswerCopy {
  const head = new HeadCopy(res, undefined);
  const body = new BodyCopy(maxBodyBytes);
  let isEnded = false;

  const originals = replaceMethods(res, {
    writeHead: (...args: unknown[]) => originals.writeHead(...head.take(args)),
    write(...args: unknown[]): boolean {
      const accepted = !res.writableEnded;
      const more = originals.write(...args);
      // Only now, since what Node refuses has thrown.
      if (accepted) body.add(chunkArguments(args));
      return more;
    },
    end(...args: unknown[]): Response {
      const accepted = !res.writableEnded;
      originals.end(...args);
      if (accepted) {
        body.add(chunkArguments(args));
        isEnded = true;
        originals.restore();
      }
      return res;
    },
  });

  return {
    taken() {
      if (!isEnded || !head.taken) return undefined;
      const { status, headers } = head.taken;
      return { status, headers, body: body.complete(mayHaveBody(res.req.method, status), undefined) };
    },
  };
}
