import type { Etcd3, ILeaseGrantResponse, ITxnRequest, ITxnResponse } from "etcd3";
import { StoreTimeoutError, StoreUnavailableError } from "../../errors.ts";
import { withinDeadline } from "../../redis/deadline.ts";

/** The requests of one operation, all of which end with its deadline. */
export interface EtcdCalls {
  transact(transaction: ITxnRequest): Promise<ITxnResponse>;
  grantLease(seconds: number): Promise<ILeaseGrantResponse>;
}

/** What the client's own circuit breaker says, and the client itself once it is closed. */
const AWAY = /circuit breaker is open|client was already closed|Channel has been shut down|Channel closed/i;
/** gRPC's names for an outage; `UNKNOWN` and `INTERNAL` are what a connection that breaks off may end a call with. */
const OUTAGE =
  /\b(?:UNAVAILABLE|CANCELLED|UNKNOWN|INTERNAL|RESOURCE_EXHAUSTED|ABORTED)\b|etcdserver: (?:no leader|leader changed|too many requests|request timed out|not capable|server stopped|mvcc: database space exceeded)/;
const LATE = /\bDEADLINE_EXCEEDED\b/;
const LEASE_GONE = /requested lease not found/;

/** Asks etcd within a deadline, and tells its outages by the errors of the suite. */
export class EtcdConnection {
  readonly #client: Etcd3;
  readonly #deadlineMs: number;

  constructor(client: Etcd3, deadlineMs: number) {
    this.#client = client;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Runs one operation. Rejects with {@link StoreTimeoutError} once its time is over, with {@link StoreUnavailableError}
   * where etcd cannot be reached or has no leader, and with any other error as it came.
   */
  async run<Reply>(operation: (calls: EtcdCalls) => Promise<Reply>): Promise<Reply> {
    try {
      return await withinDeadline(() => operation(this.#calls()), this.#deadlineMs, "etcd");
    } catch (error) {
      throw storeError(error);
    }
  }

  #calls(): EtcdCalls {
    // Ends a call that etcd leaves without an answer, so that such calls do not pile up.
    const options = { deadline: Date.now() + this.#deadlineMs };
    return {
      transact: (transaction) => this.#client.kv.txn(transaction, options),
      grantLease: (seconds) => this.#client.leaseClient.leaseGrant({ TTL: seconds }, options),
    };
  }
}

/** Whether a lease that this process was granted is no more: etcd has lost its data, or an operator has revoked it. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof Error && LEASE_GONE.test(error.message);
}

/** By the words of its message: the classes of the client's errors differ in nothing else, and could be of another copy. */
function storeError(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof StoreTimeoutError || cause instanceof TypeError)
    return cause;
  if (LATE.test(cause.message)) return new StoreTimeoutError("etcd did not answer in time", { cause });
  if (OUTAGE.test(cause.message) || AWAY.test(cause.message)) {
    return new StoreUnavailableError("etcd is away, or cannot serve this now", { cause });
  }
  return cause;
}
