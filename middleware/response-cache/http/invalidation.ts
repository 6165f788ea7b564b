import { isSafeMethod } from "../../request/safe-method.ts";

export interface InvalidatingRequest {
  readonly method: string;
  /** Absolute, as the key of a response is made of it. */
  readonly url: string;
}

export interface InvalidatingResponse {
  readonly status: number;
  readonly location?: string | undefined;
  readonly contentLocation?: string | undefined;
}

/**
 * The URLs whose stored responses a request has made invalid (RFC 9111 §4.4), the target as it was given first: none for
 * a safe method or for an error. Location and Content-Location count for the same origin only, since nobody else may
 * empty a cache of it; both come resolved, without a fragment.
 */
export function invalidatedUrls(request: InvalidatingRequest, response: InvalidatingResponse): string[] {
  const { status, location, contentLocation } = response;
  if (isSafeMethod(request.method) || status < 200 || status > 399) return [];
  const urls = new Set([request.url]);
  if (URL.canParse(request.url)) {
    const target = new URL(request.url);
    for (const reference of [location, contentLocation]) {
      const url = reference === undefined ? undefined : sameOrigin(reference, target);
      if (url !== undefined) urls.add(url);
    }
  }
  return [...urls];
}

function sameOrigin(reference: string, target: URL): string | undefined {
  if (!URL.canParse(reference, target.href)) return undefined;
  const url = new URL(reference, target.href);
  // An origin of "null" is nobody's, not even its own.
  if (url.origin === "null" || url.origin !== target.origin) return undefined;
  url.hash = "";
  url.username = "";
  url.password = "";
  return url.href;
}
