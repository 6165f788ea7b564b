import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { LONG_MS, type OpenLockStore } from "./lock-store-under-test.ts";

/** @param isOne whether the store is one, which does one thing after the other: of several, each may favour another */
export function describeConcurrency(open: OpenLockStore, isOne: boolean): void {
  it(`gives a lock to ${isOne ? "exactly" : "at most"} one of 100 askers over four connections`, async () => {
    const attempts = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        open("locks", at % 4).acquire({ key: "k", owner: `owner ${at}`, ttlMs: LONG_MS }),
      ),
    );
    const taken = attempts.filter(({ acquired }) => acquired).length;
    expect(taken).to.be.within(isOne ? 1 : 0, 1);
  });

  it(`lets ${isOne ? "exactly" : "at most"} one of many releases by the owner succeed`, async () => {
    await open("locks").acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => open("locks", at % 4).release("k", "a")),
    );
    const released = answers.filter((answer) => answer === "released").length;
    expect(released).to.be.within(isOne ? 1 : 0, 1);
    expect((await open("locks").acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
  });

  it("never has two holders while many take, work and give back", async () => {
    let holders = 0;
    let most = 0;
    let turns = 0;
    const worker = async (peer: number): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) {
        const owner = `${peer}-${turn}`;
        while (!(await open("locks", peer).acquire({ key: "k", owner, ttlMs: LONG_MS })).acquired)
          await pause(1);
        most = Math.max(most, ++holders);
        await pause(0);
        holders--;
        turns++;
        await open("locks", peer).release("k", owner);
      }
    };
    await Promise.all([0, 1, 2, 3].map(worker));
    expect([turns, most]).to.deep.equal([40, 1]);
  });
}
