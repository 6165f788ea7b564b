import { expect } from "chai";
import { useDemoApp } from "./use-demo-app.ts";

describe("POST /process", () => {
  const demo = useDemoApp({ processMs: 200 });

  it("runs the job and answers when it is done", async () => {
    const alice = await demo().player("alice");
    const { body } = await alice.post("/process").expect(200);
    expect(body.player).to.equal("alice");
    expect(body.tookMs).to.be.at.least(195);
  });

  it("refuses a second run with 409 and Retry-After while the first one is under way", async () => {
    const alice = await demo().player("alice");
    const answers = await Promise.all(Array.from({ length: 4 }, () => alice.post("/process")));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).to.deep.equal([
      200, 409, 409, 409,
    ]);
    const busy = answers.find(({ status }) => status === 409);
    expect(Number(busy?.headers["retry-after"])).to.be.within(1, 5);
    expect(busy?.headers["content-type"]).to.include("application/problem+json");
  });

  it("can be run again at once when it is done", async () => {
    const alice = await demo().player("alice");
    await alice.post("/process").expect(200);
    await alice.post("/process").expect(200);
  });

  it("lets other players run theirs meanwhile", async () => {
    const browsers = [await demo().player("alice"), await demo().player("bob")];
    const answers = await Promise.all(browsers.map((browser) => browser.post("/process")));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200]);
  });

  it("refuses a request without a login with 401", async () => {
    await demo().browser().post("/process").expect(401);
  });
});
