import type { RedisClient } from "express-redis-suite/redis";
import { parseRecord, type RecordHead } from "../../../stores/session/redis/record.ts";
import { hashedId, SessionKeys } from "../../../stores/session/redis/session-ids.ts";

/** Where a store keeps the session of an id. */
export function sessionKey(prefix: string, sid: string): string {
  return new SessionKeys(prefix).session(hashedId(sid).storedId);
}

/** The first line of a stored session. */
export async function headOf(client: RedisClient, key: string): Promise<RecordHead> {
  const record = parseRecord((await client.getBuffer(key)) ?? Buffer.alloc(0));
  if (!record) throw new Error("there is no session");
  return record.head;
}

/** A session's text, of a store that does not encrypt. */
export async function storedText(client: RedisClient, key: string): Promise<string> {
  const value = (await client.get(key)) ?? "";
  return value.slice(value.indexOf("\n") + 1);
}

/** A session of this text, as the store itself would have written it. */
export function recordOf(text: string): string {
  const now = Date.now();
  return `ers1 ${now} ${now} 60000 ${now} ${now + 600_000} ${now} - - 0 -\n${text}`;
}
