import type { EtcdCalls } from "./connection.ts";

export interface Lease {
  readonly id: string;
  /** Until when it is sure to last, by `performance.now()`. */
  readonly until: number;
}

/** Of what etcd counts as a second, our clock may count so much more. */
const DRIFT = 1.01;
/** So much longer than asked for, so that those who come within the next moment share it. */
const SPARE_MS = 500;
/** The longest that etcd grants, almost 300 years. */
const MOST_SECONDS = 9_000_000_000;

/**
 * The leases of this process. They are what ends a lock whose process has died: none is ever renewed, so a key goes with
 * the lease that it was put with last. Keys that are taken within about a second, for the same number of seconds, share
 * one: under load a lease costs no round trip.
 */
export class Leases {
  readonly #granted = new Map<number, Promise<Lease>>();

  /** One that lasts for `ttlMs` from now, up to 1.5 seconds and a hundredth more, and at least etcd's minimum (2 seconds as it comes). */
  async take(calls: EtcdCalls, ttlMs: number): Promise<Lease> {
    const seconds = Math.min(MOST_SECONDS, Math.ceil((ttlMs * DRIFT + SPARE_MS) / 1000));
    const neededMs = Math.min(ttlMs, (MOST_SECONDS * 1000) / DRIFT - SPARE_MS);
    for (;;) {
      const granted = this.#granted.get(seconds) ?? this.#grant(calls, seconds);
      const lease = await granted;
      if (lease.until - performance.now() >= neededMs) return lease;
      if (this.#granted.get(seconds) === granted) this.#granted.delete(seconds);
    }
  }

  /** For leases that etcd no longer knows. */
  forget(): void {
    this.#granted.clear();
  }

  #grant(calls: EtcdCalls, seconds: number): Promise<Lease> {
    const sentAt = performance.now();
    const granted = calls.grantLease(seconds).then(({ ID, TTL }) => {
      const lastsMs = (Math.max(seconds, Number(TTL)) * 1000) / DRIFT;
      return { id: ID, until: sentAt + lastsMs };
    });
    this.#granted.set(seconds, granted);
    granted.catch(() => {
      if (this.#granted.get(seconds) === granted) this.#granted.delete(seconds);
    });
    return granted;
  }
}
