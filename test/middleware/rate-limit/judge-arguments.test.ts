import { expect } from "chai";
import { chargeWhen, failed, perMinute, rateLimit, refundWhen } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";

describe("what chargeWhen and refundWhen are called with", () => {
  const options = { store: new MemoryRateLimitStore(), policies: [perMinute(5)] };
  const limiter = rateLimit({ ...options, key: () => "k" });

  it("is refused without a judge, or with one that is no function", () => {
    for (const judge of [undefined, true, "failed"]) {
      expect(() => chargeWhen(options, judge as never)).to.throw(TypeError, "chargeWhen: judge");
      expect(() => refundWhen(limiter, judge as never)).to.throw(TypeError, "refundWhen: judge");
    }
  });

  it("is refused where one takes what the other does", () => {
    const message = "chargeWhen takes options, refundWhen a limiter";
    expect(() => chargeWhen(limiter as never, failed)).to.throw(TypeError, message);
    expect(() => refundWhen(options as never, failed)).to.throw(TypeError, message);
  });
});
