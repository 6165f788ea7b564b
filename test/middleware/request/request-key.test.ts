import { inspect } from "node:util";
import { expect } from "chai";
import { requestKey } from "../../../middleware/request/request-key.ts";

type Key = (request: string) => string;

describe("requestKey", () => {
  it("returns the string of a function, and a promise only where the function does", async () => {
    expect(requestKey<string>("here", (request) => `key of ${request}`)("a")).to.equal("key of a");
    const promised = requestKey<string>("here", async (request) => `key of ${request}`)("a");
    expect(promised).to.be.instanceOf(Promise);
    expect(await promised).to.equal("key of a");
  });

  it("takes an empty string, which is one", () => {
    expect(requestKey("here", () => "")("a")).to.equal("");
  });

  for (const value of [undefined, null, 1, true, {}, ["a"], Buffer.from("a")]) {
    for (const [how, key] of [
      ["returns", () => value],
      ["resolves with", async () => value],
    ] as const) {
      it(`rejects with a TypeError that names the owner where the function ${how} ${inspect(value)}`, async () => {
        const failure = await Promise.resolve(requestKey("here", key as unknown as Key)("a")).catch(
          (error: unknown) => error,
        );
        expect(failure).to.be.instanceOf(TypeError);
        expect(String(failure)).to.include(
          `here: key must return a string, not ${value === null ? "null" : typeof value}`,
        );
      });
    }
  }

  it("lets through what the function throws or rejects with, as it came", async () => {
    const mistake = new Error("mine");
    const throwing = requestKey<string>("here", () => {
      throw mistake;
    });
    expect(() => throwing("a")).to.throw(mistake);
    const rejecting = requestKey<string>("here", () => Promise.reject(mistake));
    expect(await Promise.resolve(rejecting("a")).catch((error: unknown) => error)).to.equal(mistake);
  });

  for (const key of [undefined, null, "ip", {}]) {
    it(`throws a TypeError at construction for ${inspect(key)} in place of a function`, () => {
      expect(() => requestKey("here", key as never)).to.throw(TypeError, "here: key must be a function");
    });
  }
});
