import type { Express, NextFunction, Request, Response } from "express";
import type { AnswerPart, HeldAnswer } from "../../../middleware/response/held-answer.ts";
import { holdAnswer } from "../../../middleware/response/hold-answer.ts";
import { appOf, receive, type Received } from "./served.ts";

interface Asked {
  readonly parts: AnswerPart[];
  /** Fulfilled once a part waits. */
  readonly held: Promise<HeldAnswer>;
}

type Handler = (res: Response, asked: Asked, next: NextFunction) => unknown;

/** Each part of the answer waits until the handler, or what it has begun, releases it. */
function appHolding(handler: Handler, waits: readonly AnswerPart[] = ["head", "end"]): Express {
  return appOf((_req: Request, res: Response, next) => {
    const parts: AnswerPart[] = [];
    let tell: (held: HeldAnswer) => void = () => {};
    const held = new Promise<HeldAnswer>((resolve) => (tell = resolve));
    holdAnswer(res, (part) => {
      parts.push(part);
      return waits.includes(part) ? tell : undefined;
    });
    handler(res, { parts, held }, next);
  });
}

export const heldBy = (handler: Handler, waits?: readonly AnswerPart[]): Promise<Received> =>
  receive(appHolding(handler, waits));

export const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;
export const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
