import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import type {
  PolicySet,
  RateLimitDecision,
  RateLimitStore,
} from "express-redis-suite/stores/rate-limit/contract";
import { expect } from "chai";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import fc from "fast-check";
import { ALGORITHMS, policy, remainders, take } from "../../contracts/rate-limit/under-test.ts";
import { keysOf, onEachRedis } from "../../contracts/redis-backends.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

/** Sets of policies that ask for everything the script knows, alone and together. */
const SETS: readonly PolicySet[] = [
  ...ALGORITHMS.map((algorithm) => policySet([policy(algorithm, 7)])),
  policySet(ALGORITHMS.map((algorithm, at) => policy(algorithm, 5 + at, { name: algorithm }))),
];

function setAt(at: number): PolicySet {
  const set = SETS[at];
  if (!set) throw new Error(`there is no set ${at}`);
  return set;
}

interface Question {
  readonly ask: "consume" | "peek" | "charge";
  readonly key: string;
  readonly set: number;
  readonly cost: number;
}

const question = fc.record({
  ask: fc.constantFrom("consume", "consume", "consume", "peek", "charge"),
  key: fc.constantFrom("a", "b", "c"),
  set: fc.constantFrom(0, 1, 2, 3, 4, 5, 6),
  cost: fc.integer({ min: 1, max: 4 }),
});

const turn = fc.array(question, { minLength: 1, maxLength: 90 });

/** What is left of each policy, and whether the question is allowed: nothing of an hour's window ends meanwhile. */
type Answer = readonly [allowed: boolean, remaining: readonly number[]] | undefined;

onEachRedis((topology, client) => {
  describe("questions of one turn", () => {
    let store: RateLimitStore;
    beforeEach(() => {
      const options = { client: client(), prefix: "batched", deadlineMs: PATIENT_MS, denyMemoryKeys: 0 };
      store = new RedisRateLimitStore(options);
    });
    const ask = async ({ ask: how, key, set, cost }: Question): Promise<Answer> => {
      const policies = setAt(set);
      if (how !== "charge") return answerOf(await store[how](key, policies, cost));
      await store.charge(key, policies, cost);
      return undefined;
    };
    const scripts = async (action: () => Promise<unknown>): Promise<number> =>
      (await countCommands(client(), action)).get("evalsha") ?? 0;

    it("are answered as if they had been asked one after the other", async function () {
      this.timeout(60_000);
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 3 }), async (turns) => {
          run += 1;
          const own = turns.map((questions) =>
            questions.map((asked) => ({ ...asked, key: `${asked.key}${run}` })),
          );
          const answers: Answer[] = [];
          for (const questions of own) answers.push(...(await Promise.all(questions.map(ask))));
          expect(answers).to.deep.equal(answersInOrder(own.flat()));
        }),
        { numRuns: 60 },
      );
    });

    it("of several keys leave each its own block", async () => {
      const policies = setAt(0);
      await store.block("b", 60_000);
      const keys = ["a", "b", "c", "b"];
      const decisions = await Promise.all(keys.map((key) => store.consume(key, policies, 1)));
      expect(decisions.map(({ allowed }) => allowed)).to.deep.equal([true, false, true, false]);
    });

    it("are heard in the order of the calls, with what is given back between them", async () => {
      const policies = policySet([policy("fixed-window", 1)]);
      // A script that the server does not know yet is sent twice, and then comes later.
      await store.reward("k", policies, 1);
      const receipt = await take(store, { policies });
      const [refused, , admitted] = await Promise.all([
        store.consume("k", policies, 1),
        store.refund("k", policies, receipt),
        store.consume("k", policies, 1),
      ]);
      expect([refused.allowed, admitted.allowed]).to.deep.equal([false, true]);
    });

    it("take units of a log that can be given back one by one, and once only", async () => {
      const policies = policySet([policy("sliding-log", 3)]);
      const receipts = await Promise.all([1, 1, 1].map((cost) => take(store, { policies, cost })));
      expect(new Set(receipts.map(({ at }) => at)), "taken in one script").to.have.length(1);
      const [first] = receipts;
      if (!first) throw new Error("nothing was taken");
      for (let time = 0; time < 3; time++) await store.refund("k", policies, first);
      expect(await remainders(store, policies)).to.deep.equal([1]);
    });

    it("fail alone where a key holds something else", async () => {
      const policies = policySet([policy("sliding-log", 3)]);
      await store.consume("b", policies, 1);
      const [foreign = ""] = await keysOf(client(), "batched:{b}*");
      await client().del(foreign);
      await client().set(foreign, "something else");
      const settled = await Promise.allSettled(["a", "b", "a"].map((key) => store.consume(key, policies, 1)));
      expect(settled.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"]);
      expect(settled[1])
        .to.have.property("reason")
        .that.has.property("message")
        .that.matches(/^WRONGTYPE /);
      expect(await remainders(store, policies, "a")).to.deep.equal([1]);
      expect(await client().get(foreign)).to.equal("something else");
    });

    if (topology === "cluster") return;

    it("are one script for each set of policies and sixty-four of them", async () => {
      const [one, other] = [setAt(0), setAt(1)];
      await store.peek("k", one, 1);
      const many = (count: number, policies: PolicySet): Promise<unknown>[] =>
        Array.from({ length: count }, (_, at) => store.consume(`k${at}`, policies, 1));
      expect(await scripts(() => Promise.all(many(64, one)))).to.equal(1);
      expect(await scripts(() => Promise.all(many(65, one)))).to.equal(2);
      expect(await scripts(() => Promise.all([...many(9, one), ...many(9, other)]))).to.equal(2);
    });
  });
});

function answerOf({ allowed, policies }: RateLimitDecision): Answer {
  return [allowed, policies.map(({ remaining }) => remaining)];
}

/** The model: a count of units for each key, set and policy. */
function answersInOrder(questions: readonly Question[]): Answer[] {
  const counts = new Map<string, number>();
  return questions.map(({ ask, key, set, cost }) => {
    const id = `${set} ${key}`;
    const used = counts.get(id) ?? 0;
    const policies = setAt(set).list;
    const allowed = policies.every(({ limit }) => used + cost <= limit);
    const after = ask === "charge" || (ask === "consume" && allowed) ? used + cost : used;
    counts.set(id, after);
    if (ask === "charge") return undefined;
    return [allowed, policies.map(({ limit }) => Math.max(0, limit - after))];
  });
}
