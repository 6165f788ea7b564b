import type { Etcd3 } from "etcd3";
import { observeStore } from "../../telemetry/observe-store.ts";
import { assertCount, assertDurationMs, assertOptionNames } from "../options.ts";
import { assertPrefix } from "../redis/keys.ts";
import type { LockAttempt, LockFeature, LockRelease, LockRequest, LockState, LockStore } from "./contract.ts";
import { createBelongings, type Belongings } from "./etcd/belongings.ts";
import { EtcdConnection, isLeaseGone, type EtcdCalls } from "./etcd/connection.ts";
import { KeyLock } from "./etcd/key-lock.ts";
import { lockNames } from "./etcd/names.ts";
import { assertRequest } from "./request.ts";

export interface EtcdLockStoreOptions {
  /** An `Etcd3` of etcd3, which its owner closes. What a namespace of it would say belongs into `prefix`. */
  readonly client: Etcd3;
  /** Put before every key: 1 to 64 letters, digits or `_ . : / -`. */
  readonly prefix: string;
  /**
   * How long one operation may take, milliseconds. Default 1,000: etcd writes to the disks of a majority before it
   * answers, so a slow disk is no outage yet; the election of a new leader takes longer, and is one.
   */
  readonly deadlineMs?: number;
}

/**
 * Locks in etcd (3.4 or later): fenced, shared or counted, and in line. A lock that etcd has confirmed is on the disks of
 * a majority of its servers, so it outlives the failure of any minority and the restart of all.
 *
 * This process ends its locks at their time itself, to the millisecond. Where it has died or stands still, their leases do,
 * which count seconds: a lock then blocks others for up to 2 seconds and a hundredth of its time longer, and at least for
 * etcd's shortest lease (2 seconds as it comes); a place in line for up to 3.5 seconds; all of it anew where etcd elects a
 * new leader meanwhile, which starts all leases from the beginning.
 *
 * The fence is etcd's revision at the time of taking, which rises with every write; not so over a restore of etcd from a
 * backup. A place in line is kept by the clock of the machine that waits: where clocks differ, so does who comes first,
 * and never how many hold the lock. etcd shows no clock, so `now` rejects.
 */
export class EtcdLockStore implements LockStore {
  readonly features: ReadonlySet<LockFeature> = new Set(["fencing", "limits", "line"]);
  readonly #prefix: string;
  readonly #connection: EtcdConnection;
  readonly #our: Belongings;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: EtcdLockStoreOptions) {
    assertOptionNames("EtcdLockStore", options, ["client", "prefix", "deadlineMs"]);
    const { client, prefix, deadlineMs = 1000 } = options;
    assertClient(client);
    assertPrefix(prefix);
    assertDurationMs(deadlineMs, "deadlineMs");
    this.#prefix = prefix;
    this.#connection = new EtcdConnection(client, deadlineMs);
    this.#our = createBelongings(client, this.#connection);
  }

  /**
   * One round trip where nobody holds the key, and where it is refused; a second to share a key with others. One more for
   * a lease, about once a second.
   */
  async acquire(request: LockRequest): Promise<LockAttempt> {
    const { limit, waitedMs } = assertRequest(request);
    const { key, owner, ttlMs } = request;
    return this.#ask("acquire", key, (lock) => lock.acquire({ owner, ttlMs, limit, waitedMs }));
  }

  /** One round trip; one more for a lease about once a second, and for a lock that another process has taken. */
  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    return this.#ask("extend", key, (lock) => lock.extend(owner, ttlMs));
  }

  /** One round trip. */
  release(key: string, owner: string): Promise<LockRelease> {
    return this.#ask("release", key, (lock) => lock.release(owner));
  }

  /** Ends of other processes' holders are by the clocks of their machines. One round trip. */
  inspect(key: string): Promise<LockState> {
    return this.#ask("inspect", key, (lock) => lock.inspect());
  }

  onTurn(listener: (key: string) => void): () => void {
    return this.#our.turns.listen(listener);
  }

  now(): Promise<number> {
    return Promise.reject(new TypeError("EtcdLockStore has no clock that can be read"));
  }

  #ask<Reply>(operation: string, key: string, run: (lock: KeyLock) => Promise<Reply>): Promise<Reply> {
    const names = lockNames(this.#prefix, key);
    const once = (calls: EtcdCalls): Promise<Reply> => run(new KeyLock(calls, { key, names }, this.#our));
    const ask = (calls: EtcdCalls): Promise<Reply> =>
      once(calls).catch((error: unknown) => {
        if (!isLeaseGone(error)) throw error;
        this.#our.leases.forget();
        return once(calls);
      });
    return observeStore({ store: "lock", operation }, () => this.#connection.run(ask));
  }
}

/** @throws TypeError for a client that is none, and for a namespace of one, whose prefix the requests would not have */
function assertClient(client: Etcd3 | undefined): void {
  const isEtcd3 = typeof client?.kv?.txn === "function" && typeof client.getRoles === "function";
  if (!isEtcd3) throw new TypeError("client must be an Etcd3 of the package etcd3, and no namespace of one");
}
