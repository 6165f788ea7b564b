import expressSession, { type SessionData } from "express-session";
import { defineScript, type RedisScript } from "../redis/script.ts";

/**
 * A session as it is stored: JSON whose first member is the cookie, which a line break follows. JSON.stringify writes
 * no line break of its own, so a script finds the end of the cookie without reading the rest.
 */
export function serialize({ cookie, ...data }: SessionData): string {
  const rest = JSON.stringify(data);
  return `{"cookie":${JSON.stringify(cookie)}\n${rest === "{}" ? "}" : `,${rest.slice(1)}`}`;
}

/** What its published types leave out. */
const SessionCookie = expressSession.Cookie as unknown as new (stored: object) => {
  maxAge: number | null;
  serialize(name: string, value: string): string;
};

/** Null for no value, and for one that is no session. */
export function parse(value: string | null): SessionData | null {
  if (value === null) return null;
  try {
    const session = JSON.parse(value) as SessionData;
    return session.cookie && isUsable(session.cookie) ? session : null;
  } catch {
    return null;
  }
}

/**
 * Does to a stored cookie what express-session will do before the response goes out. It throws there for foreign
 * values, some of them while the head is written, and whoever has such a session gets a 500 or no response at all.
 */
function isUsable(stored: SessionData["cookie"]): boolean {
  const cookie = new SessionCookie(stored);
  cookie.maxAge = stored.originalMaxAge;
  return cookie.serialize("sid", "value") !== "";
}

/**
 * Prolongs a session and puts its new cookie in place of the stored one; the rest, which another request may have
 * saved meanwhile, stays as it is. A session that has ended is not brought back.
 *
 * KEYS  1: the session
 * ARGV  1: ttl in milliseconds, 2: the cookie as JSON
 * Returns 1, or 0 where there is no such session
 */
export const touch: RedisScript<[ttlMs: number, cookie: string], number> = defineScript<
  [ttlMs: number, cookie: string],
  number
>(
  "session.touch",
  1,
  `
local head, cookie = '{"cookie":', ARGV[2]
-- First, since a server that is full lets a script go on writing, but not begin with what needs room.
if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then return 0 end
local stop = #head + #cookie + 1
local start = redis.call('GETRANGE', KEYS[1], 0, stop - 1)
if string.sub(start, 1, #head) ~= head then return 1 end
if string.find(start, '\\n', 1, true) == stop then
  -- As long as the old one, as it mostly is: written over it, which replicas get without the session.
  redis.call('SETRANGE', KEYS[1], #head, cookie)
  return 1
end
local value = redis.call('GET', KEYS[1])
local stored = string.find(value, '\\n', 1, true)
if stored then redis.call('SET', KEYS[1], head .. cookie .. string.sub(value, stored), 'PX', ARGV[1]) end
return 1
`,
);
