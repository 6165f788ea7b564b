import { expect } from "chai";
import { useProcesses } from "../../../support/processes.ts";
import { redisUrl } from "../../../support/shared-redis.ts";
import type { Asked, CacheOrder } from "./cache-processes.ts";

const script = new URL("cache-process.ts", import.meta.url);

describe("a stampede on an object cache in Redis", () => {
  /** Longer than a busy machine stalls where nobody dies. */
  const processes = useProcesses<CacheOrder>(script, 4, () => ({
    kind: "connect",
    url: redisUrl(),
    leaseMs: 15_000,
  }));

  const askAll = async (key: string): Promise<Asked> => {
    const order = { kind: "ask", key, callers: 250, loadMs: 50 } as const;
    const asked = await Promise.all(processes().map((process) => process.order<Asked>(order)));
    return {
      values: [...new Set(asked.flatMap(({ values }) => values))],
      loads: asked.reduce((sum, { loads }) => sum + loads, 0),
    };
  };

  it("of 1,000 callers in 4 processes runs the loader exactly once", async () => {
    for (const key of ["first", "second", "third"]) {
      const { values, loads } = await askAll(key);
      expect([values.length, loads], key).to.deep.equal([1, 1]);
    }
  });
});

describe("a process that dies while it leads", () => {
  const processes = useProcesses<CacheOrder>(script, 3, () => ({
    kind: "connect",
    url: redisUrl(),
    leaseMs: 500,
  }));

  it("is replaced by one of the others, which loads for all of them", async () => {
    const [leader, ...others] = processes();
    await leader?.order({ kind: "lead", key: "k" });
    leader?.kill();
    const order = { kind: "ask", key: "k", callers: 50, loadMs: 5 } as const;
    const asked = await Promise.all(others.map((process) => process.order<Asked>(order)));
    expect(asked.reduce((sum, { loads }) => sum + loads, 0)).to.equal(1);
    expect(new Set(asked.flatMap(({ values }) => values)).size).to.equal(1);
  });
});
