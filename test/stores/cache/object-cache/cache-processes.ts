/** What a process of `cache-process.ts` can be told to do; it answers each order once it is carried out. */
export type CacheOrder =
  | { readonly kind: "connect"; readonly url: string; readonly leaseMs: number }
  | { readonly kind: "ask"; readonly key: string; readonly callers: number; readonly loadMs: number }
  /** Answered once it is the leader of the key. */
  | { readonly kind: "lead"; readonly key: string };

export interface Asked {
  readonly values: readonly number[];
  readonly loads: number;
}
