import type { Request, Response } from "express";
import { holdEnd } from "../response/held-end.ts";
import { warnOfStoreError } from "../response/store-failure.ts";
import { keyOfUrl } from "./default-key.ts";
import { invalidatedUrls } from "./http/invalidation.ts";
import type { Room } from "./room.ts";

/**
 * Once an unsafe request has ended without an error, forgets what is kept for its URL and for those that its Location
 * and Content-Location name (RFC 9111 §4.4). The end of the response waits for it: whoever knows that something has
 * changed is not shown what was before.
 */
export function invalidateAfter(room: Room, { req, res }: { req: Request; res: Response }): void {
  const url = `${req.protocol}://${req.host}${req.originalUrl}`;
  const { method } = req;
  const held = holdEnd(res, () => {
    const location = fieldOf(res, "location");
    const contentLocation = fieldOf(res, "content-location");
    const urls = invalidatedUrls({ method, url }, { status: res.statusCode, location, contentLocation });
    void forget(room, urls).finally(() => held.release());
  });
}

async function forget({ name, responses }: Room, urls: readonly string[]): Promise<void> {
  try {
    await Promise.all(urls.map((url) => responses.delete(`${name} ${keyOfUrl(url)}`)));
  } catch (error) {
    warnOfStoreError("responseCache", error);
  }
}

function fieldOf(res: Response, name: string): string | undefined {
  const value = res.getHeader(name);
  return typeof value === "string" ? value : undefined;
}
