import { expect } from "chai";
import { Redis } from "ioredis";
import { defineScript, type ScriptClient } from "express-redis-suite/redis";
import { scriptName } from "../../../telemetry/script-names.ts";
import { countCommands } from "../../support/command-counts.ts";
import { redis, redisUrl } from "../../support/shared-redis.ts";

const increase = defineScript<[by: number], number>(
  "test.increase",
  1,
  "return redis.call('INCRBY', KEYS[1], ARGV[1])",
);
const echo = defineScript<(string | Buffer)[], string[]>("test.echo", 0, "return ARGV");

describe("a script", () => {
  it("is sent as text once, and by its hash from then on", async () => {
    const first = await countCommands(redis(), () => increase.run(redis(), ["k"], [2]));
    expect(Object.fromEntries(first)).to.deep.equal({ evalsha: 1, eval: 1 });
    const later = await countCommands(redis(), async () => {
      for (let time = 0; time < 5; time++) await increase.run(redis(), ["k"], [2]);
    });
    expect(Object.fromEntries(later)).to.deep.equal({ evalsha: 5 });
    expect(await redis().get("k")).to.equal("12");
  });

  it("runs on a client that autopipelines, too", async () => {
    const client = new Redis(redisUrl(), { enableAutoPipelining: true });
    try {
      await client.ping();
      const counts = await Promise.all([1, 2, 3].map(() => increase.run(client, ["k"], [1])));
      expect(counts.toSorted((a, b) => a - b)).to.deep.equal([1, 2, 3]);
      expect(await echo.run(client, [], [Buffer.from([0, 255])])).to.have.length(1);
    } finally {
      client.disconnect();
    }
  });

  it("is known again after the server forgot it, and has run once", async () => {
    await increase.run(redis(), ["k"], [1]);
    await redis().script("FLUSH");
    expect(await increase.run(redis(), ["k"], [1])).to.equal(2);
  });

  it("passes text, empty text and bytes on as they are", async () => {
    expect(await echo.run(redis(), [], ["", "a\r\nb", "日本", Buffer.from("x")])).to.deep.equal([
      "",
      "a\r\nb",
      "日本",
      "x",
    ]);
  });

  it("takes as many arguments as a large batch has", async () => {
    const args = Array.from({ length: 300_000 }, (_, at) => String(at));
    const count = defineScript<string[], number>("test.count", 0, "return #ARGV");
    expect(await count.run(redis(), [], args)).to.equal(300_000);
  });

  for (const keys of [[], ["a", "b"]]) {
    it(`refuses ${keys.length} keys where it takes 1, before anything is sent`, async () => {
      const counts = await countCommands(redis(), async () => {
        const failure: unknown = await increase.run(redis(), keys, [1]).catch((error: unknown) => error);
        expect(failure)
          .to.be.instanceOf(TypeError)
          .with.property("message", `script test.increase takes 1 keys, not ${keys.length}`);
      });
      expect(counts.size).to.equal(0);
    });
  }

  it("rejects with the server's error and is not sent again", async () => {
    await redis().set("k", "no number");
    await increase.run(redis(), ["other"], [1]);
    const counts = await countCommands(redis(), async () => {
      const failure: unknown = await increase.run(redis(), ["k"], [1]).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(Error).with.property("message").that.includes("not an integer");
    });
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1 });
  });

  it("is not sent as text after an error that only mentions NOSCRIPT", async () => {
    const sent: string[] = [];
    const refuse = (command: string) => (): Promise<never> => {
      sent.push(command);
      return Promise.reject(new Error("ERR user_script:1: NOSCRIPT said the script"));
    };
    const client = { eval: refuse("eval"), evalsha: refuse("evalsha") } as unknown as ScriptClient;
    const failure: unknown = await increase.run(client, ["k"], [1]).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(Error);
    expect(sent).to.deep.equal(["evalsha"]);
  });

  it("has a name for metrics by its hash, and leaves the client without new commands", async () => {
    const before = Object.keys(redis());
    await increase.run(redis(), ["k"], [1]);
    expect(Object.keys(redis())).to.deep.equal(before);
    const names = await countCommands(redis(), () => increase.run(redis(), ["k"], [1]));
    expect([...names.keys()]).to.deep.equal(["evalsha"]);
    expect(scriptName("no such hash")).to.equal(undefined);
  });
});
