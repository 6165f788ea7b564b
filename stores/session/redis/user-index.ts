import { SessionEndedError, SessionLimitError } from "../../errors.ts";
import type { RedisAccess } from "../../redis/access.ts";
import type { RedisScript } from "../../redis/script.ts";
import { isNothingStored } from "../contract.ts";
import type { LivingRecords } from "./living-records.ts";
import type { SessionRecord } from "./record.ts";
import type { SessionKeys } from "./session-ids.ts";
import { confirm, enter, leave, look, throwOut } from "./user-index-scripts.ts";

/** How many sessions a user may have, and what a login meets when they have as many. */
export interface UserLimit {
  readonly maxSessions: number;
  readonly atLimit: "evict-oldest" | "refuse";
}

/** A session that begins to be a user's. */
export interface Login {
  /** The hash of the user's id. */
  readonly user: string;
  /** The session's stored id. */
  readonly id: string;
  /** It ends after so long at the latest, from now, milliseconds. */
  readonly livesMs: number;
}

export interface UserIndexOptions {
  readonly keys: SessionKeys;
  readonly records: LivingRecords;
  /** Ends the records of stored ids; returns how many were alive. The index is seen to here. */
  readonly end: (ids: readonly string[]) => Promise<number>;
  readonly limit?: UserLimit | undefined;
  /** Told how many sessions were ended, or that one was refused. */
  readonly onChange?: (change: "evicted" | "refused" | "revoked", sessions: number) => void;
}

/** A place that others' sessions held, and that they had left: so often a refused login asks again. */
const MOST_TRIES = 3;
/** A server that is busy with one list of ids serves nobody else. */
const IDS_AT_ONCE = 500;
/** A minute longer than it lives: its record is written later, perhaps by another server's clock. */
const SLACK_MS = 60_000;

/**
 * Who has which sessions. The index is not in the slot of any session, so no script keeps both exact. Instead a session
 * stands in the index before it is stored, until after it has ended, and whoever reads the index asks the records: what
 * is not in them is no session, and is taken out.
 *
 * Reading costs one command for the index, and one for the records of each shard on a Cluster, of many together
 * elsewhere.
 */
export class UserIndex {
  readonly #redis: RedisAccess;
  readonly #keys: SessionKeys;
  readonly #records: LivingRecords;
  readonly #end: UserIndexOptions["end"];
  readonly #limit: UserLimit | undefined;
  readonly #onChange: NonNullable<UserIndexOptions["onChange"]>;

  constructor(redis: RedisAccess, { keys, records, end, limit, onChange = () => {} }: UserIndexOptions) {
    this.#redis = redis;
    this.#keys = keys;
    this.#records = records;
    this.#end = end;
    this.#limit = limit;
    this.#onChange = onChange;
  }

  /**
   * Stores a session as a user's: enters it, makes room, saves, and confirms. Of logins at the same time the one that entered
   * last stays whatever the others do, and together they leave no more than `maxSessions` alive.
   *
   * Rejects with `SessionLimitError` where the user has as many as they may have, all alive, and new ones are to be
   * refused; nothing was stored then. With `SessionEndedError` where the session was evicted or revoked while it began; it
   * has been ended. Else as `save` or the guard does.
   */
  async admit<Saved>(login: Login, save: () => Promise<Saved>): Promise<Saved> {
    const score = await this.#enter(login);
    let saved: Saved;
    try {
      saved = await save();
    } catch (error) {
      // Of any other error the outcome is unknown: the place is kept, and is free again once no record is found.
      if (isNothingStored(error)) await this.#run(throwOut, login.user, [login.id]).catch(() => {});
      throw error;
    }
    if ((await this.#run(confirm, login.user, [login.id, score])) === 1) return saved;
    await this.#end([login.id]);
    throw new SessionEndedError("the session was ended while it began");
  }

  /** Takes sessions out that have ended, or are no longer this user's. */
  async leave(user: string, ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      const found = entriesOf(await this.#run(look, user, ids.slice(at, at + IDS_AT_ONCE)));
      await this.#leaveUnlessLiving(user, found);
    }
  }

  /** The living sessions of a user, by their stored ids, those that were created last first. */
  async sessionsOf(user: string): Promise<[id: string, record: SessionRecord][]> {
    const entries = entriesOf(await this.#run(look, user, []));
    const records = await this.#records.records(entries.map(({ id }) => id));
    const sessions = [...records].filter(([, { head }]) => head.user === user);
    const found = new Set(sessions.map(([id]) => id));
    // What cannot be read may be too long for this process alone.
    await this.#leaveUnlessLiving(
      user,
      entries.filter(({ id }) => !found.has(id)),
    );
    return sessions.toSorted(([, one], [, other]) => other.head.createdAt - one.head.createdAt);
  }

  /** Ends the sessions of a user, those that begin just now included. Returns how many were alive. */
  async revokeAll(user: string, except?: string): Promise<number> {
    const entries = entriesOf(await this.#run(look, user, [])).filter(({ id }) => id !== except);
    if (entries.length === 0) return 0;
    // First, so that one is either stored by now, and found, or never confirmed.
    await this.#throwOut(user, entries);
    const ended = await this.#end([...(await this.#livingOf(user, entries))]);
    await this.#takeOut(user, entries);
    if (ended > 0) this.#onChange("revoked", ended);
    return ended;
  }

  /** Returns the score of the entry. */
  async #enter({ user, id, livesMs }: Login): Promise<string> {
    const { maxSessions = 0, atLimit = "evict-oldest" } = this.#limit ?? {};
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const args = [id, livesMs + SLACK_MS, maxSessions, atLimit] as const;
      const [score, ...found] = await this.#run(enter, user, [...args]);
      const others = entriesOf(found);
      const isEntered = score !== "";
      if (others.length === 0 || (isEntered && atLimit === "refuse")) return score;
      const stored = await this.#livingOf(user, others);
      const isLiving = ({ id: other, begins }: Entry): boolean => stored.has(other) || begins;
      const living = others.filter(isLiving);
      const gone = others.filter((other) => !isLiving(other));
      if (gone.length > 0) await this.#takeOut(user, gone);
      if (isEntered) {
        await this.#evict(user, living.slice(0, Math.max(0, living.length + 1 - maxSessions)));
        return score;
      }
      if (gone.length === 0) break;
    }
    this.#onChange("refused", 1);
    throw new SessionLimitError(`the user has ${maxSessions} sessions, and may have no more`);
  }

  async #evict(user: string, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#throwOut(user, entries);
    await this.#end(entries.map(({ id }) => id));
    await this.#takeOut(user, entries);
    this.#onChange("evicted", entries.length);
  }

  /** Those that did not begin when the entries were read are stored, or have ended for good. */
  async #leaveUnlessLiving(user: string, entries: readonly Entry[]): Promise<void> {
    const settled = entries.filter(({ begins }) => !begins);
    if (settled.length === 0) return;
    const living = await this.#livingOf(user, settled);
    await this.#takeOut(
      user,
      settled.filter(({ id }) => !living.has(id)),
    );
  }

  async #livingOf(user: string, entries: readonly Entry[]): Promise<Set<string>> {
    const heads = await this.#records.heads(entries.map(({ id }) => id));
    return new Set([...heads].filter(([, head]) => head.user === user).map(([id]) => id));
  }

  #throwOut(user: string, entries: readonly Entry[]): Promise<void> {
    return this.#each(entries, (some) =>
      this.#run(
        throwOut,
        user,
        some.map(({ id }) => id),
      ),
    );
  }

  #takeOut(user: string, entries: readonly Entry[]): Promise<void> {
    return this.#each(entries, (some) =>
      this.#run(
        leave,
        user,
        some.flatMap(({ id, score }) => [id, score]),
      ),
    );
  }

  async #each(entries: readonly Entry[], run: (some: readonly Entry[]) => Promise<unknown>): Promise<void> {
    for (let at = 0; at < entries.length; at += IDS_AT_ONCE) await run(entries.slice(at, at + IDS_AT_ONCE));
  }

  #run<Args extends readonly (string | number)[], Reply>(
    script: RedisScript<Args, Reply>,
    user: string,
    args: Args,
  ): Promise<Reply> {
    const index = this.#keys.user(user);
    return this.#redis.guarded(index, (client) => script.run(client, [index, `${index}:new`], args));
  }
}

/** A session as it stood in the index when that was read. */
interface Entry {
  readonly id: string;
  readonly score: string;
  /** Its record may be about to be written. */
  readonly begins: boolean;
}

function entriesOf([pairs, beginners]: readonly [readonly string[], readonly string[]]): Entry[] {
  const begin = new Set(beginners);
  return pairs.flatMap((id, at) =>
    at % 2 === 0 ? [{ id, score: pairs[at + 1] ?? "", begins: begin.has(id) }] : [],
  );
}
