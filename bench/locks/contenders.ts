import { backends } from "./backends.ts";
import type { Contender, Locker, LockPlace } from "./contender.ts";
import { askingOnce, memoryStore, redisStore, using, waiting } from "./ours.ts";
import { byHand, redisSemaphore, redlock, type Batching } from "./peers.ts";

export const BY_HAND = "by hand";
export const BY_HAND_AGAIN = "by hand (control)";
export const OURS = "ours";
export const OURS_WAITING = "ours, ready to wait";
export const SEMAPHORE = "redis-semaphore";
export const SEMAPHORE_LEAN = "redis-semaphore, reused, not extended";
export const REDLOCK = "redlock";
const SET_NX = { sends: ["set"] } as const;

/** One key each, with nobody in the way. */
export const uncontended: readonly Contender[] = [
  { name: BY_HAND, ...SET_NX, open: (place) => byHand(place) },
  { name: auto(BY_HAND), ...SET_NX, open: (place) => byHand(place, "auto") },
  ...inBoth(OURS, {}, async (place, batching) => askingOnce(await redisStore(place, batching))),
  ...inBoth(OURS_WAITING, {}, async (place, batching) => waiting(await redisStore(place, batching))),
  { name: "ours, using", open: async (place) => using(await redisStore(place)) },
  { name: "ours, in memory", open: async () => askingOnce(memoryStore()) },
  ...inBoth(SEMAPHORE, SET_NX, redisSemaphore),
  ...inBoth(SEMAPHORE_LEAN, SET_NX, (place, batching) => redisSemaphore(place, batching, { lean: true })),
  ...inBoth(REDLOCK, {}, (place, batching) => redlock(place, batching)),
  { name: BY_HAND_AGAIN, ...SET_NX, open: (place) => byHand(place) },
];

export const OURS_CONTENDED = "ours, in line";
export const MEMORY_CONTENDED = "ours, in memory, in line";
export const SEMAPHORE_POLLING = "redis-semaphore, every 10 ms";
export const SEMAPHORE_EAGER = "redis-semaphore, every 1 ms";

/** Many callers on one key. */
export const contended: readonly Contender[] = [
  { name: OURS_CONTENDED, open: async (place) => waiting(await redisStore(place)) },
  { name: MEMORY_CONTENDED, open: async () => waiting(memoryStore()) },
  { name: SEMAPHORE_POLLING, ...SET_NX, open: (place) => redisSemaphore(place) },
  {
    name: SEMAPHORE_EAGER,
    ...SET_NX,
    open: (place) => redisSemaphore(place, "plain", { retryInterval: 1, lean: false }),
  },
  { name: "redlock, every 200 ± 100 ms", open: (place) => redlock(place) },
  {
    name: "redlock, every 10 ± 5 ms",
    open: (place) => redlock(place, "plain", { retryDelay: 10, retryJitter: 5 }),
  },
];

/** @throws Error for a name that no contender has */
export function findContender(name: string): Contender {
  const found = [...uncontended, ...contended, ...backends].find((one) => one.name === name);
  if (!found) throw new Error(`nothing locks as "${name}"`);
  return found;
}

export function auto(name: string): string {
  return `${name}, autopipelining`;
}

function inBoth(
  name: string,
  how: Pick<Contender, "sends">,
  open: (place: LockPlace, batching: Batching) => Promise<Locker>,
): readonly Contender[] {
  return [
    { name, ...how, open: (place) => open(place, "plain") },
    { name: auto(name), ...how, open: (place) => open(place, "auto") },
  ];
}
