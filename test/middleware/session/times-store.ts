import type { Request } from "express";
import { MemoryStore, type SessionData } from "express-session";
import type { SessionTimes } from "../../../stores/session/contract.ts";

/** Keeps sessions in memory, and does what `session()` asks of a store that keeps times, as a test says. */
export class TimesStore extends MemoryStore {
  times: SessionTimes | undefined;
  /** How old every loaded id is. */
  ageMs = 0;
  /** What a renewal does, in place of giving a new id. */
  onRenew: (() => Promise<string | undefined>) | undefined;
  readonly renewals: object[] = [];
  readonly #loaded = new WeakSet<object>();

  keepTimes(times: SessionTimes): void {
    this.times = times;
  }

  idAgeMs(session: object): number | undefined {
    return this.#loaded.has(session) ? this.ageMs : undefined;
  }

  override createSession(req: Request, session: SessionData): ReturnType<MemoryStore["createSession"]> {
    const created = super.createSession(req, session);
    this.#loaded.add(created);
    return created;
  }

  async renewId(
    sid: string,
    asked: { readonly ageMs: number; readonly graceMs: number },
  ): Promise<string | undefined> {
    this.renewals.push(asked);
    if (this.onRenew) return this.onRenew();
    const { sessions } = this as unknown as { sessions: Record<string, string | undefined> };
    const newId = `${sid.split(".", 1)[0] ?? ""}.${"n".repeat(22)}`;
    sessions[newId] = sessions[sid];
    return newId;
  }
}
