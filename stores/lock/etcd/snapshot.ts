import type { IKeyValue, IRangeResponse, IResponseOp } from "etcd3";
import type { LockNames } from "./names.ts";
import type { OwnKeys } from "./own-keys.ts";

export interface Holder {
  readonly name: string;
  readonly limit: number;
  readonly fence: number;
  /** When it was put last. */
  readonly revision: number;
  readonly endsInMs: number;
}

interface Waiter {
  readonly name: string;
  readonly revision: number;
}

/** etcd looks for leases that are over so often, milliseconds; a holder that is late to leave is not asked after sooner. */
const LEASE_ROUND_MS = 500;

/** Who held one key and who waited for it at one revision, without those of this process whose time is over. */
export class Snapshot {
  readonly revision: number;
  readonly holders: readonly Holder[];
  /** The names of places, first in line first. */
  readonly waiters: readonly string[];
  /** The holders that are left out: still in etcd, and to be taken away by whoever takes the key. */
  readonly over: readonly { readonly name: string; readonly revision: number }[];

  constructor(responses: readonly IResponseOp[], names: LockNames, own: OwnKeys) {
    const { header, kvs } = rangeOf(responses);
    this.revision = Number(header.revision);
    const holders: Holder[] = [];
    const waiters: Waiter[] = [];
    for (const kv of kvs) {
      const name = kv.key.toString();
      if (name < names.holders.to) holders.push(holderOf(name, kv, own));
      else waiters.push({ name, revision: Number(kv.mod_revision) });
    }
    this.over = holders.filter(({ name, revision }) => own.isOver(name, revision));
    this.holders = holders.filter(({ name, revision }) => !own.isOver(name, revision));
    this.waiters = waiters
      .filter(({ name, revision }) => !own.isOver(name, revision))
      .map(({ name }) => name);
  }

  /** How many may hold the key beside one who asks with this limit: the lowest limit of all counts. */
  hasRoom(limit: number): boolean {
    return this.holders.length < Math.min(limit, ...this.holders.map((holder) => holder.limit));
  }

  /** Who comes next before this place; before one who has none, the last in line. */
  before(place: string | undefined): string | undefined {
    const at = place === undefined ? this.waiters.length : this.waiters.indexOf(place);
    return this.waiters[at - 1];
  }

  /** Until the first holder's time is over, 0 where there is none. */
  get retryAfterMs(): number {
    if (this.holders.length === 0) return 0;
    return Math.ceil(Math.min(...this.holders.map(({ endsInMs }) => endsInMs)));
  }
}

/** The holder key of a transaction's reply that asked for one. */
export function holderIn(responses: readonly IResponseOp[], own: OwnKeys): Holder | undefined {
  const [kv] = rangeOf(responses).kvs;
  return kv && holderOf(kv.key.toString(), kv, own);
}

/** What a holder's key says. */
export function holderValue(limit: number, endsInMs: number, leaseEndsInMs: number): string {
  const now = Date.now();
  return `${limit} ${Math.round(now + endsInMs)} ${Math.round(now + leaseEndsInMs)}`;
}

function holderOf(name: string, kv: IKeyValue, own: OwnKeys): Holder {
  const revision = Number(kv.mod_revision);
  const [limit = 1, endsAt = 0, leaseEndsAt = 0] = kv.value.toString().split(" ").map(Number);
  const mine = own.get(name);
  const endsInMs =
    mine?.revision === revision ? mine.endsAt - performance.now() : restOf(endsAt, leaseEndsAt);
  return { name, limit, fence: Number(kv.create_revision), revision, endsInMs };
}

/** By the clock of the holder's machine, as far as it and ours agree. One that is late has died, or stands still. */
function restOf(endsAt: number, leaseEndsAt: number): number {
  const now = Date.now();
  if (endsAt > now) return endsAt - now;
  return Math.max(LEASE_ROUND_MS, leaseEndsAt - now);
}

function rangeOf(responses: readonly IResponseOp[]): IRangeResponse {
  const found = responses.find(({ response_range }) => response_range);
  if (!found) throw new Error("etcd did not answer what it was asked");
  return found.response_range;
}
