import type { IRequestOp, ITxnResponse } from "etcd3";
import { HEARTBEAT_MS, type LockAttempt, type LockRelease, type LockState } from "../contract.ts";
import { forgetPlace, type Belongings } from "./belongings.ts";
import type { EtcdCalls } from "./connection.ts";
import type { Lease } from "./leases.ts";
import { onlyName, sinceOf, type LockNames } from "./names.ts";
import type { OwnKey } from "./own-keys.ts";
import { holderIn, holderValue, Snapshot } from "./snapshot.ts";
import { exists, get, getAll, isAt, nothingIn, nothingNewIn, put, remove } from "./transactions.ts";

export interface Asked {
  readonly owner: string;
  readonly ttlMs: number;
  readonly limit: number;
  readonly waitedMs: number | undefined;
}

/** One who asks, with what it would put. */
interface Asking {
  readonly owner: string;
  readonly ttlMs: number;
  readonly limit: number;
  readonly holder: string;
  readonly lease: Lease;
  /** Undefined where it does not wait. */
  readonly place: { readonly name: string; readonly lease: Lease } | undefined;
}

/** At which no key was ever put. */
const NEVER = -1;

/** The operations of one key. Every change is a transaction that holds only where what it was decided by still does. */
export class KeyLock {
  readonly #calls: EtcdCalls;
  readonly #key: string;
  readonly #names: LockNames;
  readonly #our: Belongings;

  constructor(calls: EtcdCalls, { key, names }: { key: string; names: LockNames }, our: Belongings) {
    this.#calls = calls;
    this.#key = key;
    this.#names = names;
    this.#our = our;
  }

  async acquire(asked: Asked): Promise<LockAttempt> {
    const { owner, ttlMs, limit } = asked;
    const holder = this.#names.holder(owner);
    const mine = await this.#mine(holder);
    if (mine && (await this.extend(owner, ttlMs))) return { acquired: true, fence: mine.fence };
    const asking = await this.#prepare(asked, holder);
    let reply = await this.#takeIfFree(asking);
    for (;;) {
      if (reply.succeeded) return this.#taken(asking, reply);
      const seen = this.#snapshot(reply);
      const place = seen.waiters.find((name) => this.#names.isPlaceOf(name, owner));
      const held = seen.holders.find(({ name }) => name === holder);
      if (held) {
        if (await this.extend(owner, ttlMs)) return this.#hadIt(held.fence, place ?? asking.place?.name);
        reply = await this.#look([]);
      } else if (asking.place && place === undefined) {
        // Lost: with its lease, or with all that etcd had.
        this.#our.own.delete(asking.place.name);
        reply = this.#inLine(asking, await this.#look(this.#lineUp(asking)));
      } else if (seen.hasRoom(limit) && seen.before(place) === undefined) {
        reply = await this.#takeAsSeen(asking, place, seen);
      } else {
        return this.#refused(place, seen);
      }
    }
  }

  async extend(owner: string, ttlMs: number): Promise<boolean> {
    const { own, leases } = this.#our;
    const holder = this.#names.holder(owner);
    const mine = await this.#mine(holder);
    const lease = await leases.take(this.#calls, ttlMs);
    let seen: Pick<OwnKey, "revision" | "fence" | "limit"> | undefined = mine;
    for (;;) {
      const { revision = NEVER, limit = 1, fence = 0 } = seen ?? {};
      const reply = await this.#calls.transact({
        compare: [isAt(holder, revision)],
        success: [put(holder, holderValue(limit, ttlMs, lease.until - performance.now()), lease.id)],
        failure: [get(holder)],
      });
      if (reply.succeeded) {
        this.#keep(holder, reply, { fence, limit, lastsMs: ttlMs, lease });
        return true;
      }
      seen = holderIn(reply.responses, own);
      if (!seen) {
        own.delete(holder);
        return false;
      }
    }
  }

  async release(owner: string): Promise<LockRelease> {
    const { own, places } = this.#our;
    const holder = this.#names.holder(owner);
    const place = places.of(holder);
    await this.#mine(holder);
    const leaveLine = place === undefined ? [] : [remove(place)];
    const reply = await this.#calls.transact({
      compare: [exists(holder)],
      success: [remove(holder), ...leaveLine],
      failure: [...leaveLine, getAll(this.#names.all)],
    });
    own.delete(holder);
    forgetPlace(this.#our, place);
    if (reply.succeeded) return "released";
    const seen = this.#snapshot(reply);
    // A place that another process has taken for it.
    const left = seen.waiters.filter((name) => this.#names.isPlaceOf(name, owner));
    if (left.length > 0) await this.#calls.transact({ success: left.map(remove) });
    return seen.holders.length > 0 ? "taken" : "expired";
  }

  async inspect(): Promise<LockState> {
    const { holders, waiters } = this.#snapshot(await this.#look([]));
    return {
      holders: holders.map(({ limit, endsInMs, fence }) => ({
        limit,
        expiresInMs: Math.ceil(endsInMs),
        fence,
      })),
      waiting: waiters.length,
    };
  }

  /** What this process holds it by. One whose time is over is taken away first: put again, it would keep its fence. */
  async #mine(holder: string): Promise<OwnKey | undefined> {
    const { own } = this.#our;
    const mine = own.get(holder);
    if (!mine || !own.isOver(holder, mine.revision)) return mine;
    await this.#calls.transact({ compare: [isAt(holder, mine.revision)], success: [remove(holder)] });
    if (own.get(holder) === mine) own.delete(holder);
    return undefined;
  }

  async #prepare({ owner, ttlMs, limit, waitedMs }: Asked, holder: string): Promise<Asking> {
    const { leases, places } = this.#our;
    const placeLease = waitedMs === undefined ? undefined : leases.take(this.#calls, HEARTBEAT_MS);
    const [lease, ofPlace] = await Promise.all([leases.take(this.#calls, ttlMs), placeLease]);
    const name = places.of(holder) ?? this.#names.place(owner, sinceOf(waitedMs ?? 0));
    return { owner, ttlMs, limit, holder, lease, place: ofPlace && { name, lease: ofPlace } };
  }

  /** Takes the key where nobody holds it and nobody comes first; else keeps a place in line. */
  async #takeIfFree(asking: Asking): Promise<ITxnResponse> {
    const { holders, waiters, all } = this.#names;
    const first = asking.place ? { from: waiters.from, to: asking.place.name } : waiters;
    const reply = await this.#calls.transact({
      compare: [nothingIn(holders), nothingIn(first)],
      success: this.#take(asking, asking.place?.name),
      failure: [...this.#lineUp(asking), getAll(all)],
    });
    return reply.succeeded ? reply : this.#inLine(asking, reply);
  }

  #takeAsSeen(
    asking: Asking,
    place: string | undefined,
    { revision, over }: Snapshot,
  ): Promise<ITxnResponse> {
    const { all } = this.#names;
    return this.#calls.transact({
      compare: [nothingNewIn(all, revision), ...over.map((key) => isAt(key.name, key.revision))],
      success: [...over.map(({ name }) => remove(name)), ...this.#take(asking, place)],
      failure: [getAll(all)],
    });
  }

  #take({ holder, limit, ttlMs, lease }: Asking, place: string | undefined): IRequestOp[] {
    const value = holderValue(limit, ttlMs, lease.until - performance.now());
    return [put(holder, value, lease.id), ...(place === undefined ? [] : [remove(place)])];
  }

  #taken({ holder, place, limit, ttlMs, lease }: Asking, reply: ITxnResponse): LockAttempt {
    const fence = Number(reply.header.revision);
    this.#keep(holder, reply, { fence, limit, lastsMs: ttlMs, lease });
    forgetPlace(this.#our, place?.name);
    return { acquired: true, fence };
  }

  #refused(place: string | undefined, seen: Snapshot): LockAttempt {
    if (place !== undefined) {
      const before = seen.before(place);
      this.#our.turns.watch({
        key: this.#key,
        place,
        target: before === undefined ? this.#names.holders : onlyName(before),
        revision: seen.revision + 1,
      });
    }
    return { acquired: false, retryAfterMs: seen.retryAfterMs };
  }

  async #hadIt(fence: number, place: string | undefined): Promise<LockAttempt> {
    if (place !== undefined) await this.#calls.transact({ success: [remove(place)] });
    forgetPlace(this.#our, place);
    return { acquired: true, fence };
  }

  /** Nothing where the place is there, and its lease lasts for another heartbeat. */
  #lineUp({ place, limit }: Asking): IRequestOp[] {
    if (!place) return [];
    const mine = this.#our.own.live(place.name);
    const lasts = mine !== undefined && mine.leaseUntil - performance.now() >= HEARTBEAT_MS;
    return lasts ? [] : [put(place.name, String(limit), place.lease.id)];
  }

  /** Remembers the place of one who asked just now. */
  #inLine({ holder, place, limit }: Asking, reply: ITxnResponse): ITxnResponse {
    if (!place) return reply;
    const { own, places } = this.#our;
    const mine = own.get(place.name);
    if (reply.responses.some(({ response_put }) => response_put)) {
      this.#keep(place.name, reply, { fence: 0, limit, lastsMs: HEARTBEAT_MS, lease: place.lease });
    } else if (mine) own.set(place.name, { ...mine, endsAt: performance.now() + HEARTBEAT_MS });
    if (places.of(holder) !== place.name) places.set(holder, place.name);
    return reply;
  }

  #keep(
    name: string,
    reply: ITxnResponse,
    { lease, lastsMs, fence, limit }: { lease: Lease; lastsMs: number; fence: number; limit: number },
  ): void {
    const revision = Number(reply.header.revision);
    const endsAt = performance.now() + lastsMs;
    this.#our.own.set(name, { revision, fence, limit, endsAt, leaseUntil: lease.until });
  }

  /** Does this, and sees what is there then. */
  #look(first: readonly IRequestOp[]): Promise<ITxnResponse> {
    const { all } = this.#names;
    return this.#calls.transact({ compare: [isAt(all.from, NEVER)], failure: [...first, getAll(all)] });
  }

  #snapshot(reply: ITxnResponse): Snapshot {
    return new Snapshot(reply.responses, this.#names, this.#our.own);
  }
}
