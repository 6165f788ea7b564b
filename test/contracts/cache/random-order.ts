import fc from "fast-check";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { stampStanding } from "../../../stores/cache/stamp-standing.ts";
import { LONG_MS, text, texts, type OpenCacheStore } from "./cache-store-under-test.ts";

interface Step {
  readonly does:
    | "get"
    | "read"
    | "set"
    | "expire"
    | "delete"
    | "lead"
    | "fill"
    | "abandon"
    | "stamp"
    | "purge";
  readonly key: string;
  /** Which of the tokens that were given so far. */
  readonly token: number;
  readonly soft: boolean;
  readonly peer: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom(
    ...(["get", "read", "set", "expire", "delete", "lead", "lead", "fill", "fill", "abandon"] as const),
    ...(["stamp", "stamp", "purge"] as const),
  ),
  key: fc.constantFrom("a", "b"),
  token: fc.nat(3),
  soft: fc.boolean(),
  peer: fc.nat(1),
});

export function describeRandomOrder(open: OpenCacheStore): void {
  it("answers as a store in memory does, whatever is asked in whatever order", async function () {
    this.timeout(60_000);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        run += 1;
        const own = steps.map((taken) => ({ ...taken, key: `${taken.key}${run}` }));
        const model = new MemoryCacheStore();
        const expected = await answersOf(own, () => model);
        expect(await answersOf(own, (peer) => open("cache", peer))).to.deep.equal(expected);
      }),
      { numRuns: 50 },
    );
  });
}

/** What a store answers, step by step, without what is its own: tokens and stamps. */
async function answersOf(steps: readonly Step[], peer: (at: number) => CacheStore): Promise<unknown[]> {
  const tokens: string[] = [];
  const kept = new Map<string, string>();
  const answers: unknown[] = [];
  for (const [at, { does, key, token: which, soft, peer: asker }] of steps.entries()) {
    const store = peer(asker);
    const value = text(`value ${at}`);
    const token = tokens.at(-1 - which) ?? "none";
    const run: Record<Step["does"], () => Promise<unknown>> = {
      get: async () => String(await store.get(key)),
      read: async () => texts((await store.read([key, "other"])).values),
      set: () => store.set(key, value, LONG_MS),
      expire: () => store.expire(key, LONG_MS),
      delete: () => store.delete(key),
      lead: async () => {
        const lead = await store.lead(key, LONG_MS);
        if (lead.token !== undefined) tokens.push(lead.token);
        return [lead.token !== undefined, lead.busyMs > 0, String(lead.value)];
      },
      fill: () => store.fill(key, { token, value, ttlMs: LONG_MS }),
      abandon: () => store.abandon(key, token),
      stamp: async () => {
        const [stamp = ""] = await store.stamp([key]);
        const before = kept.get(key) ?? stamp;
        kept.set(key, stamp);
        return stampStanding([before], [stamp]);
      },
      purge: () => store.purgeTags([key], { soft }),
    };
    answers.push([does, await run[does]()]);
    const { stamps } = await store.read([], [key]);
    answers.push(kept.has(key) ? stampStanding([kept.get(key) ?? ""], stamps) : stamps);
  }
  return answers;
}
