import { createHash } from "node:crypto";
import type { Request } from "express";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { addCanonical } from "./canonical-body.ts";

/**
 * What tells one payload from another: method, path with query, media type, and the body as its parser left it. Of the
 * media type no parameters: the boundary of a form is another each time it is sent.
 *
 * @throws TypeError for a body that is nothing like JSON, text or bytes
 */
export function requestFingerprint(req: Request): string {
  const body: unknown = req.body;
  if (body === undefined && hasBody(req)) {
    warnOnce(
      "ERS_BODY_NOT_PARSED",
      "idempotency: a request's body is not parsed where its payload is compared, so another body with the same key " +
        "counts as the same; parse it before, or give a fingerprint",
    );
  }
  const [mediaType = ""] = (req.get("Content-Type") ?? "").split(";");
  const hash = createHash("sha256");
  hash.update(JSON.stringify([req.method, req.originalUrl, mediaType.trim().toLowerCase()]));
  addCanonical(hash, body);
  return hash.digest("base64url");
}

function hasBody(req: Request): boolean {
  return req.get("Transfer-Encoding") !== undefined || Number(req.get("Content-Length") ?? 0) > 0;
}
