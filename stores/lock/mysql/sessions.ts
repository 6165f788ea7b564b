import type { Pool, PoolConnection } from "mysql2/promise";
import { StoreTimeoutError } from "../../errors.ts";
import { storeError, type Deadline } from "./deadline.ts";
import { Session } from "./session.ts";

/** The pool, of which every connection comes back clean, is destroyed, or is kept for a lock: none gets lost. */
export class Sessions {
  readonly #pool: Pool;
  /**
   * What callers have asked the pool for and had no time left to wait for. Others take it over, so that a pool which
   * gives nothing for long is not asked for more than callers have waited for at the same time.
   */
  readonly #unclaimed = new Set<Promise<PoolConnection>>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Runs `work` on a session, which goes back to the pool unless `work` keeps it, and is destroyed where it fails.
   *
   * @throws StoreTimeoutError once the deadline has passed, StoreUnavailableError for any other failure
   */
  async use<Result>(deadline: Deadline, work: (session: Session) => Promise<Result>): Promise<Result> {
    const session = await this.#open(deadline);
    try {
      const result = await deadline.bound(() => work(session));
      if (!session.isKept) session.giveBack();
      return result;
    } catch (error) {
      session.destroy();
      throw storeError(error);
    }
  }

  async #open(deadline: Deadline): Promise<Session> {
    const [left] = this.#unclaimed;
    if (left) this.#unclaimed.delete(left);
    const asked = left ?? this.#pool.getConnection();
    try {
      return new Session(await deadline.bound(() => asked, "there was no connection of the pool"));
    } catch (error) {
      if (error instanceof StoreTimeoutError) void this.#leave(asked);
      throw storeError(error);
    }
  }

  async #leave(asked: Promise<PoolConnection>): Promise<void> {
    this.#unclaimed.add(asked);
    const connection = await asked.catch(() => undefined);
    if (this.#unclaimed.delete(asked)) connection?.release();
  }
}
