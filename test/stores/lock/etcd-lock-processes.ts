import { useProcesses, type OrderedProcess } from "../../support/processes.ts";

/** What a process that locks in etcd may be told to do. */
export type Order =
  | { readonly kind: "connect"; readonly address: string }
  | { readonly kind: "hold"; readonly key: string; readonly ttlMs: number }
  | { readonly kind: "queue"; readonly key: string; readonly callers: number; readonly workMs: number };

/** Times are milliseconds since 1970, of the one clock that all processes here have. */
export interface Held {
  readonly askedAt: number;
  readonly fence: number;
}

export interface Turn extends Held {
  readonly caller: number;
  readonly takenAt: number;
  readonly endedAt: number;
}

export function useEtcdLockProcesses(
  count: number,
  address: () => string,
): () => readonly OrderedProcess<Order>[] {
  return useProcesses<Order>(new URL("./etcd-lock-process.ts", import.meta.url), count, () => ({
    kind: "connect",
    address: address(),
  }));
}
