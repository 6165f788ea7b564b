import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Passwords } from "../../demo-app/accounts/passwords.ts";
import { WorkQueue } from "../../demo-app/accounts/work-queue.ts";
import { ProblemError } from "../../demo-app/problem.ts";

describe("passwords", () => {
  const passwords = new Passwords({ cost: 16 });

  it("verifies the password it hashed and no other", async () => {
    const record = await passwords.hash("correct horse");
    expect(await passwords.verify("correct horse", record)).to.equal(true);
    expect(await passwords.verify("correct horsf", record)).to.equal(false);
  });

  it("salts: the same password never makes the same record", async () => {
    expect(await passwords.hash("correct horse")).to.not.equal(await passwords.hash("correct horse"));
  });

  it("keeps the parameters in the record, so that a later cost still verifies it", async () => {
    const record = await passwords.hash("correct horse");
    expect(record).to.match(/^scrypt\$16\$8\$5\$/);
    expect(await new Passwords({ cost: 32 }).verify("correct horse", record)).to.equal(true);
  });

  it("costs 2^14, 8, 5 unless it is told otherwise", async () => {
    expect(await new Passwords().hash("correct horse")).to.match(/^scrypt\$16384\$8\$5\$/);
  });

  it("takes é as one letter and as two for the same", async () => {
    const record = await passwords.hash("caf\u00e9 au lait");
    expect(await passwords.verify("cafe\u0301 au lait", record)).to.equal(true);
  });

  it("answers false without a record, and works as long for it as with one", async () => {
    const costly = new Passwords({ cost: 2 ** 13 });
    const record = await costly.hash("correct horse");
    // The processor's time, of all threads: a clock on the wall would count what other programs do.
    const workOf = async (known: string | undefined): Promise<number> => {
      const before = process.cpuUsage();
      for (let run = 0; run < 5; run += 1) expect(await costly.verify("wrong", known)).to.equal(false);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    await workOf(record);
    expect((await workOf(undefined)) / (await workOf(record))).to.be.within(0.4, 2.5);
  });

  it("refuses a record that it did not make", async () => {
    const attempt = passwords.verify("correct horse", "md5$abc");
    expect(await attempt.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });
});

describe("the work queue", () => {
  it("runs no more at once than it may, and everything in the end", async () => {
    const queue = new WorkQueue(2, 100);
    let running = 0;
    let most = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await pause(2);
      running -= 1;
      done += 1;
    };
    await Promise.all(Array.from({ length: 9 }, () => queue.run(work)));
    expect([most, done]).to.deep.equal([2, 9]);
  });

  it("gives the turn of work that failed to the next", async () => {
    const queue = new WorkQueue(1, 10);
    const failed = queue.run(() => Promise.reject(new Error("no")));
    const next = queue.run(() => Promise.resolve("yes"));
    expect(await failed.catch((error: Error) => error.message)).to.equal("no");
    expect(await next).to.equal("yes");
  });

  it("refuses with 503 when too many wait", async () => {
    const queue = new WorkQueue(1, 1);
    const waiting = [queue.run(() => pause(5)), queue.run(() => pause(5))];
    const error: unknown = await queue.run(() => pause(5)).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ProblemError).with.property("status", 503);
    await Promise.all(waiting);
  });
});
