import type { SessionData } from "express-session";
import { channels, publish, type SessionChangeEvent } from "../../../telemetry/channels.ts";
import type { StoredSession } from "../contract.ts";
import type { PayloadCodec } from "./payload.ts";
import { expiresAt, parseText, type RecordHead, type SessionRecord, type SessionText } from "./record.ts";
import { UnreadableValueError } from "./unreadable-value.ts";

/** A session as it was stored: its text, and what that says. */
export interface ReadSession extends SessionText {
  readonly text: string;
}

/** Publishes what became of a session, or of several. */
export function publishChange(
  change: SessionChangeEvent["change"],
  { sessions = 1, reason }: Partial<Omit<SessionChangeEvent, "change">> = {},
): void {
  publish(channels.sessionChange, () => ({ change, sessions, ...(reason === undefined ? {} : { reason }) }));
}

type Reason = NonNullable<SessionChangeEvent["reason"]>;

/** Reads what is stored. What is no session, or not one for this store, is none: it is published, and never an error. */
export class SessionReader {
  readonly #codec: PayloadCodec;

  constructor(codec: PayloadCodec) {
    this.#codec = codec;
  }

  async read(storedId: string, { payload }: SessionRecord): Promise<ReadSession | undefined> {
    try {
      const text = await this.#codec.decode(storedId, payload);
      const session = parseText(text);
      if (session) return { text, ...session };
      this.reject("malformed");
    } catch (error) {
      if (!(error instanceof UnreadableValueError)) throw error;
      this.reject(error.reason);
    }
    return undefined;
  }

  /** Publishes that something stored is no session. */
  reject(reason: Reason): void {
    publishChange("unreadable", { reason });
  }

  /** As express-session has it. */
  async sessionData(storedId: string, record: SessionRecord): Promise<SessionData | undefined> {
    const session = await this.read(storedId, record);
    return session && sessionDataOf(session, expiresAt(record.head) - Date.now());
  }

  /** As a store lists it. */
  async listed(storedId: string, record: SessionRecord): Promise<StoredSession | undefined> {
    const session = await this.read(storedId, record);
    return session && { id: storedId, ...datesOf(record.head), data: session.data };
  }
}

/** As express-session wants it: with a cookie that expires when the session does, or with the browser. */
export function sessionDataOf({ cookie, data }: SessionText, livesMs: number): SessionData {
  const expires = cookie.originalMaxAge === null ? null : new Date(Date.now() + Math.max(1, livesMs));
  return { ...data, cookie: { ...cookie, expires } };
}

function datesOf(head: RecordHead): Pick<StoredSession, "createdAt" | "lastUsedAt" | "expiresAt"> {
  return {
    createdAt: new Date(head.createdAt),
    lastUsedAt: new Date(head.lastUsedAt),
    expiresAt: new Date(expiresAt(head)),
  };
}
