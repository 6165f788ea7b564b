import type { Response } from "express";

/** Whether somebody has answered already, for example a timeout while a store was asked: a second answer would throw. */
export function isAnswered(res: Response): boolean {
  return res.headersSent || res.writableEnded;
}
