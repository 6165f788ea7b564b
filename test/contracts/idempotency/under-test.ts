import { expect } from "chai";
import type { IdempotencyState, IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";

/** Opens a store; those with one prefix share their keys, as processes do, each on the connection of its peer. */
export type OpenIdempotencyStore = (prefix: string, peer?: number) => IdempotencyStore;

/** Longer than any test. */
export const LONG_MS = 60_000;

/** Bytes that are no text. */
export const RECORD: Buffer = Buffer.from([0, 1, 0xff, 0xfe, 0x0d, 0x0a, 0x80]);

/** Begins as `owner`, and says in a word what came of it. */
export async function begin(
  store: IdempotencyStore,
  key: string,
  owner: string,
  lockMs: number = LONG_MS,
): Promise<IdempotencyState["state"]> {
  return (await store.begin(key, { owner, fingerprint: `of ${owner}`, lockMs })).state;
}

export function complete(
  store: IdempotencyStore,
  key: string,
  owner: string,
  { record = RECORD, ttlMs = LONG_MS }: { record?: Buffer; ttlMs?: number } = {},
): Promise<boolean> {
  return store.complete(key, { owner, fingerprint: `of ${owner}`, record, ttlMs });
}

/** Asks as somebody else, and expects work under way. */
export async function expectInProgress(
  store: IdempotencyStore,
  key: string,
): Promise<Extract<IdempotencyState, { state: "in-progress" }>> {
  const state = await store.begin(key, { owner: "an asker", fingerprint: "of an asker", lockMs: LONG_MS });
  if (state.state !== "in-progress") expect.fail(`${key} is ${state.state}`);
  return state;
}

/** Asks as somebody else, and expects a record. */
export async function expectDone(
  store: IdempotencyStore,
  key: string,
): Promise<Extract<IdempotencyState, { state: "done" }>> {
  const state = await store.begin(key, { owner: "an asker", fingerprint: "of an asker", lockMs: LONG_MS });
  if (state.state !== "done") expect.fail(`${key} is ${state.state}`);
  return state;
}
