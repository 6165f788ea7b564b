import type { Response } from "express";

/** Shows a member of a response with a value of its own, and returns how to show it as it was. */
export function cover(res: Response, name: keyof Response, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(res, name);
  Object.defineProperty(res, name, { configurable: true, writable: true, value });
  return () => {
    if (own) Object.defineProperty(res, name, own);
    else delete res[name];
  };
}
