import { expect } from "chai";
import { useProcesses } from "../../support/processes.ts";
import { redisUrl } from "../../support/shared-redis.ts";
import type { PageAnswers, PageOrder } from "./page-processes.ts";

const script = new URL("page-process.ts", import.meta.url);

describe("responseCache, in several processes", () => {
  const processes = useProcesses<PageOrder>(script, 4, () => ({ kind: "connect", url: redisUrl() }));

  const askAll = (order: Omit<Extract<PageOrder, { kind: "ask" }>, "kind">): Promise<PageAnswers[]> =>
    Promise.all(processes().map((each) => each.order<PageAnswers>({ kind: "ask", ...order })));

  it("runs the handler exactly once for 1,000 concurrent requests of four processes", async function () {
    this.timeout(30_000);
    const answers = await askAll({ path: "/page", count: 250, runMs: 300 });
    expect(answers.reduce((sum, { runs }) => sum + runs, 0)).to.equal(1);
    expect(new Set(answers.flatMap(({ bodies }) => bodies)).size).to.equal(1);
    expect(new Set(answers.flatMap(({ statuses }) => statuses))).to.deep.equal(new Set([200]));
  });

  it("gives nobody another one's page, and runs the handler for each", async function () {
    this.timeout(30_000);
    const answers = await askAll({ path: "/mine", count: 25, runMs: 5, control: "private" });
    for (const { runs, bodies } of answers) expect([runs, bodies.length]).to.deep.equal([25, 1]);
    expect(new Set(answers.flatMap(({ bodies }) => bodies)).size).to.equal(4);
  });
});
