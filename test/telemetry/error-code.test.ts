import { expect } from "chai";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { errorCode, replyPrefix } from "../../telemetry/error-code.ts";
import { redis } from "../support/shared-redis.ts";

describe("errorCode", () => {
  it("is the code of the suite's own errors, whatever their cause", () => {
    const cause = new Error("OOM command not allowed");
    expect(errorCode(new StoreTimeoutError("late"))).to.equal("STORE_TIMEOUT");
    expect(errorCode(new StoreUnavailableError("away", { cause }))).to.equal("STORE_UNAVAILABLE");
  });

  it("is the first word of an error that Redis replied", async () => {
    await redis().set("k", "text");
    const reply: unknown = await redis()
      .lpush("k", 1)
      .catch((error: unknown) => error);
    expect(errorCode(reply)).to.equal("WRONGTYPE");
    expect(errorCode(new Error("NOPERM this user has no permissions"))).to.equal("NOPERM");
  });

  it("is UNKNOWN for anything else, so that no text from outside becomes a label", () => {
    const coded = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    for (const error of [
      new Error("SECRET is out"),
      new Error(""),
      coded,
      "NOPERM",
      undefined,
      null,
      { code: "X" },
    ]) {
      expect(errorCode(error)).to.equal("UNKNOWN");
    }
  });
});

describe("replyPrefix", () => {
  it("is undefined for a word that Redis does not begin its errors with, or that only looks like one", () => {
    for (const message of ["MYSTERY word", "noperm", "NOPERM: no", " NOPERM", "constructor x"]) {
      expect(replyPrefix(new Error(message)), message).to.equal(undefined);
    }
    expect(replyPrefix(new Error("READONLY"))).to.equal("READONLY");
  });
});
