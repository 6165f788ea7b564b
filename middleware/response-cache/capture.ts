import type { Response } from "express";

/** What went out through a response, whole: headers that were set after the capture began, and the body's bytes. */
export interface Captured {
  readonly status: number;
  readonly headers: [name: string, value: string | string[]][];
  readonly body: Buffer;
}

/**
 * Copies a response while it is sent, without holding back a byte of it, and calls `onComplete` once the last byte
 * was handed to the operating system. Not called for a response that was cut off, or grew past `maxBodyBytes`: what
 * is incomplete must not be kept (RFC 9111 §3.3).
 *
 * Headers that stood before belong to the layers outside (quota, security, cookies) and to this one request, so only
 * those set or changed from here on are captured.
 */
export function captureResponse(
  res: Response,
  maxBodyBytes: number,
  onComplete: (captured: Captured) => void,
): void {
  const before = new Map(Object.entries(res.getHeaders()));
  const write = res.write.bind(res) as (...args: unknown[]) => boolean;
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  const chunks: Buffer[] = [];
  let size = 0;

  const keep = (chunk: unknown, encoding: unknown): void => {
    if (size > maxBodyBytes || (typeof chunk !== "string" && !(chunk instanceof Uint8Array))) return;
    const copy =
      typeof chunk === "string"
        ? Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8")
        : Buffer.from(chunk);
    size += copy.length;
    if (size > maxBodyBytes) chunks.length = 0;
    else chunks.push(copy);
  };
  res.write = function capturedWrite(...args: unknown[]): boolean {
    keep(args[0], args[1]);
    return write(...args);
  } as typeof res.write;
  res.end = function capturedEnd(...args: unknown[]): Response {
    keep(args[0], args[1]);
    return end(...args);
  } as typeof res.end;

  res.once("finish", () => {
    if (size > maxBodyBytes) return;
    const headers = Object.entries(res.getHeaders())
      .filter(([name, value]) => value !== undefined && before.get(name) !== value)
      .map(([name, value]): [string, string | string[]] => [
        name,
        Array.isArray(value) ? value : String(value),
      ]);
    onComplete({ status: res.statusCode, headers, body: Buffer.concat(chunks, size) });
  });
}
