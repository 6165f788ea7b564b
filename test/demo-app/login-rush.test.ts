import { once } from "node:events";
import { request as ask, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { DEFAULT_SETTINGS } from "../../demo-app/settings.ts";
import { PASSWORD, useDemoApp } from "./use-demo-app.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

describe("logins from many addresses at once", () => {
  const { loginLimits, accountLimits } = DEFAULT_SETTINGS;
  // Half of the real cost: long enough for all to have come before the first of them are through.
  const demo = useDemoApp({ loginLimits, accountLimits, passwordCost: 2 ** 13 });

  /** All of 127.0.0.0/8 is this machine. */
  const loginFrom = async (localAddress: string, username: string): Promise<Answer> => {
    const headers = { "content-type": "application/json" };
    const asking = ask(`${demo().url}/login`, { method: "POST", localAddress, headers, agent: false });
    asking.end(JSON.stringify({ username, password: PASSWORD }));
    const [answer] = (await once(asking, "response")) as [IncomingMessage];
    const body = JSON.parse(await text(answer)) as Record<string, unknown>;
    return { status: answer.statusCode ?? 0, headers: answer.headers, body };
  };

  it("are served as far as the queue goes, and else told at once to come back, while other routes go on", async () => {
    await demo().player("alice");
    const answers: Answer[] = [];
    const refusals: Answer[] = [];
    let refused = (): void => {};
    const firstRefusal = new Promise<void>((resolve) => (refused = resolve));
    const logins = Array.from({ length: 60 }, async (_, at) => {
      const answer = await loginFrom(`127.0.1.${at + 1}`, `player-${at}`);
      answers.push(answer);
      if (answer.status !== 503) return;
      refusals.push(answer);
      refused();
    });
    // Without a refusal there is nothing to wait for but the end.
    await Promise.race([firstRefusal, Promise.all(logins)]);
    for (const path of ["/livez", "/leaderboard", "/"]) await demo().browser().get(path).expect(200);
    expect(answers.length, "answered before the other routes were").to.be.below(60);
    await Promise.all(logins);

    for (const { headers, body } of refusals) {
      expect(headers["content-type"]).to.include("application/problem+json");
      expect(headers["retry-after"]).to.equal("3");
      expect(body["detail"]).to.include("Too many people are logging in");
    }
    const served = answers.filter(({ status }) => status === 401);
    expect(served.length + refusals.length).to.equal(60);
    // Two in work and 20 waiting, and whoever comes when one of them is through.
    expect(served.length).to.be.within(22, 59);
    expect(answers.at(-1)?.status, "the last to be answered is one that waited").to.equal(401);
    expect(demo().log).to.deep.equal([]);

    const later = await loginFrom("127.0.2.1", "alice");
    expect([later.status, later.body]).to.deep.equal([200, { player: "alice" }]);
  });
});
