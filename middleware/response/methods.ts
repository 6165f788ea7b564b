import type { Response } from "express";

type MethodName = "end" | "write" | "writeHead";
type Method = (...args: unknown[]) => unknown;

/** The methods as they stood, bound to the response, and how to put them back. */
export interface ReplacedMethods {
  readonly end: (...args: unknown[]) => Response;
  readonly write: (...args: unknown[]) => boolean;
  readonly writeHead: (...args: unknown[]) => Response;
  /** Gives back each method that nobody has wrapped since; a wrapper on top goes on calling the replacement. */
  restore(): void;
}

/** Puts `replacements` in place of a response's methods. */
export function replaceMethods(
  res: Response,
  replacements: Partial<Record<MethodName, Method>>,
): ReplacedMethods {
  const methods = res as unknown as Record<MethodName, Method>;
  const { end, write, writeHead } = methods;
  const originals = { end, write, writeHead };
  Object.assign(methods, replacements);
  return {
    end: end.bind(res) as ReplacedMethods["end"],
    write: write.bind(res) as ReplacedMethods["write"],
    writeHead: writeHead.bind(res) as ReplacedMethods["writeHead"],
    restore() {
      for (const name of Object.keys(replacements) as MethodName[]) {
        if (methods[name] === replacements[name]) methods[name] = originals[name];
      }
    },
  };
}

/** Whether a response may have a body (RFC 9110 §6.4.1). */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}
