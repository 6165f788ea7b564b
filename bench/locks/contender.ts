/** One way to lock, alone in its processes. */
export interface Contender {
  readonly name: string;
  /** The commands that it sends outside of scripts; whatever else Redis counts ran inside of one. */
  readonly sends?: readonly string[];
  open(place: LockPlace): Promise<Locker>;
}

/** The server that a contender uses, and what its keys begin with. */
export interface LockPlace {
  readonly url: string;
  readonly prefix: string;
}

/** Takes the lock; resolves with what gives it back. Rejects where it does not get it. */
export type Locker = (key: string) => Promise<() => Promise<unknown>>;

/** Longer than any turn, so that no lock ends by itself. */
export const TTL_MS = 10_000;
/** As long as whoever waits for a lock is ready to: nobody gives up. */
export const PATIENCE_MS = 60_000;
