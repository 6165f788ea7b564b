import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import type { PolicySet } from "express-redis-suite/stores/rate-limit/contract";
import { Agent, get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { ALGORITHMS, policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";
import {
  total,
  useLimiterProcesses,
  type Hammered,
  type LimiterProcess,
  type Order,
} from "./limiter-processes.ts";

const CONNECTIONS = 50;
const LIMIT = 250;
const MINUTE_MS = 60_000;

describe("four processes with fifty calls under way each", function () {
  this.timeout(60_000);
  const processes = useLimiterProcesses(4, redisUrl);

  /** Lets all of them ask for units of one key. */
  async function hammer(
    policies: PolicySet,
    more: Partial<Extract<Order, { kind: "hammer" }>>,
  ): Promise<Hammered> {
    const order: Order = {
      kind: "hammer",
      key: "k",
      policies: policies.list,
      inFlight: CONNECTIONS,
      ...more,
    };
    return total(await Promise.all(processes().map((process) => process.order<Hammered>(order))));
  }

  /** Units that Redis counts as used. */
  async function used(policies: PolicySet): Promise<number> {
    const [remaining = NaN] = await remainders(
      new RedisRateLimitStore({ client: redis(), prefix: "hammered", deadlineMs: PATIENT_MS }),
      policies,
    );
    return (policies.list[0]?.limit ?? NaN) - remaining;
  }

  for (const algorithm of ALGORITHMS) {
    it(`are given exactly the limit of a burst (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, LIMIT)]);
      const { admitted, refused, failed } = await hammer(policies, { calls: 150 });
      expect({ admitted, refused, failed }).to.deep.equal({
        admitted: LIMIT,
        refused: 600 - LIMIT,
        failed: 0,
      });
    });
  }

  it("are given exactly the limit in one fixed window after the other", async () => {
    const policies = policySet([policy("fixed-window", LIMIT, { windowMs: 400 })]);
    expectFullWindows(await hammer(policies, { forMs: 1300 }));
  });

  it("are given exactly the limit of a burst over HTTP", async () => {
    const policies = policySet([policy("token-bucket", LIMIT)]);
    const statuses = (await Promise.all(processes().map((process) => request(process, policies)))).flat();
    expect(statuses.filter((status) => status === 200)).to.have.length(LIMIT);
    expect(statuses.filter((status) => status === 429)).to.have.length(600 - LIMIT);
  });

  it("are given no unit more when the server forgets its scripts again and again", async () => {
    const policies = policySet([policy("gcra", 1500), policy("sliding-log", 1500, { name: "log" })]);
    const given = { admitted: 0, failed: 0 };
    const burst = async (calls: number): Promise<void> => {
      const { admitted, failed } = await hammer(policies, { calls });
      given.admitted += admitted;
      given.failed += failed;
    };
    // The server knows the scripts by then: who meets an unknown one saw it forgotten.
    await burst(10);
    await redis().config("RESETSTAT");
    const over = new AbortController();
    const forgetting = forgetScripts(over.signal);
    try {
      do await burst(750);
      while (!(await redis().info("errorstats")).includes("errorstat_NOSCRIPT:"));
    } finally {
      over.abort();
      await forgetting;
    }
    expect(given).to.deep.equal({ admitted: 1500, failed: 0 });
  });

  it("are given no unit more when their connections are cut again and again", async () => {
    const policies = policySet([policy("fixed-window", 1000)]);
    const [{ admitted, failed }] = await Promise.all([hammer(policies, { forMs: 400 }), cutConnections(8)]);
    expect(failed, "calls that were cut").to.be.above(0);
    expect(admitted).to.be.at.most(1000);
    expect(await used(policies)).to.be.within(admitted, 1000);
  });

  it("are counted once for each call that was answered, and once at most for each that was cut", async () => {
    const policies = policySet([policy("fixed-window", 1_000_000)]);
    const [{ admitted, failed }] = await Promise.all([hammer(policies, { forMs: 400 }), cutConnections(8)]);
    expect(failed, "calls that were cut").to.be.above(0);
    expect(await used(policies)).to.be.within(admitted, admitted + failed);
  });

  it("are given the same when their clocks are minutes apart", async () => {
    const skews = [0, 5 * MINUTE_MS, -7 * MINUTE_MS, 90 * MINUTE_MS];
    await Promise.all(
      processes().map((process, at) => process.order({ kind: "skew", byMs: skews[at] ?? 0 })),
    );
    // Those whose connections were cut above are back.
    const ready = policySet([policy("fixed-window", LIMIT, { name: "ready" })]);
    await eventually(async () => expect((await hammer(ready, { calls: 1 })).failed).to.equal(0));
    for (const algorithm of ALGORITHMS) {
      const skewed = policySet([policy(algorithm, LIMIT, { name: "skewed" })]);
      const { admitted, failed } = await hammer(skewed, { calls: 150 });
      expect([algorithm, admitted, failed]).to.deep.equal([algorithm, LIMIT, 0]);
    }
    expectFullWindows(
      await hammer(policySet([policy("fixed-window", LIMIT, { windowMs: 400 })]), { forMs: 1300 }),
    );
  });
});

/** The first two windows saw more calls than units; the last may have been cut short by the end of the test, however late that came. */
function expectFullWindows({ windows }: Hammered): void {
  const units = Object.keys(windows)
    .toSorted((a, b) => Number(a) - Number(b))
    .map((window) => windows[window]);
  expect(units.length).to.be.at.least(3);
  expect(units.slice(0, 2)).to.deep.equal([LIMIT, LIMIT]);
  for (const unit of units) expect(unit).to.be.at.most(LIMIT);
}

/** 150 requests over 50 connections, and their statuses. */
async function request(process: LimiterProcess, policies: PolicySet): Promise<number[]> {
  const { port } = await process.order<{ port: number }>({ kind: "serve", policies: policies.list });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const one = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = get({ port, host: "127.0.0.1", agent }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode ?? 0));
      });
      sent.once("error", reject);
    });
  try {
    return await Promise.all(Array.from({ length: 150 }, one));
  } finally {
    agent.destroy();
  }
}

async function forgetScripts(over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await redis().script("FLUSH");
    await pause(1);
  }
}

async function cutConnections(times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await redis().call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await pause(5 + Math.random() * 30);
  }
}
