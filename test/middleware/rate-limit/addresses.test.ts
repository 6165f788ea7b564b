import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import express, { type Express } from "express";
import { denyAddresses, fromAddresses, rateLimit } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import request from "supertest";
import { policy } from "../../contracts/rate-limit/under-test.ts";

const MEMBERS: readonly (readonly [entry: string, address: string])[] = [
  ["192.0.2.7", "192.0.2.7"],
  ["192.0.2.7", "::ffff:192.0.2.7"],
  ["192.0.2.7", "::ffff:c000:207"],
  ["192.0.2.7", "64:ff9b::192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::ffff:c000:207", "192.0.2.7"],
  ["64:ff9b::c000:207", "192.0.2.7"],
  ["64:ff9b::192.0.2.7", "64:ff9b::192.0.2.7"],
  ["10.0.0.0/8", "10.255.0.1"],
  ["10.0.0.0/8", "::ffff:10.255.0.1"],
  ["10.0.0.0/8", "64:ff9b::a00:1"],
  ["10.9.9.9/8", "10.1.1.1"],
  ["0.0.0.0/0", "203.0.113.9"],
  ["192.0.2.7/32", "192.0.2.7"],
  ["::ffff:10.0.0.0/104", "10.1.2.3"],
  ["64:ff9b::/96", "64:ff9b::192.0.2.7"],
  ["2001:db8::/32", "2001:db8:ffff::1"],
  ["2001:DB8::/32", "2001:0db8:0:0::1"],
  ["2001:db8::1", "2001:db8:0:0:0:0:0:1"],
  ["2001:db8::1/128", "2001:db8::1"],
  ["fe80::/10", "fe80::1%eth0"],
  ["::1", "::1"],
  ["192.0.2.7", "192.0.2.7:5678"],
  ["2001:db8::/32", "[2001:db8::1]:443"],
];

const STRANGERS: readonly (readonly [entry: string, address: string])[] = [
  ["192.0.2.7", "192.0.2.8"],
  ["192.0.2.7", "::c000:207"],
  ["192.0.2.7", "::192.0.2.7"],
  ["192.0.2.7", "2001:db8::192.0.2.7"],
  ["10.0.0.0/8", "11.0.0.1"],
  ["10.0.0.0/8", "::ffff:11.0.0.1"],
  ["192.0.2.7/32", "192.0.2.6"],
  ["2001:db8::/32", "2001:db9::1"],
  ["2001:db8::/32", "192.0.2.7"],
  ["2001:db8::1", "2001:db8::2"],
  ["64:ff9b::/96", "192.0.2.7"],
];

const NO_ENTRIES = [
  "",
  "/",
  "10.0.0.0/",
  "/8",
  "10.0.0.0/33",
  "10.0.0.0/8/9",
  "10.0.0.0/-1",
  "10.0.0.0/ 8",
  "10.0.0/8",
];
const NEITHER = [
  ...NO_ENTRIES,
  "10.0.0.256",
  "2001:db8::/129",
  "2001:db8::g",
  "::1::",
  "example.org",
  "*",
  "192.0.2.7 ",
  "192.0.2.7:80",
];

function isFrom(entry: string, ip: string): boolean {
  return fromAddresses([entry])(requestFrom(ip));
}

function requestFrom(ip: string | undefined): express.Request {
  return { ip, app: express() } as Partial<express.Request> as express.Request;
}

describe("fromAddresses", () => {
  for (const [entry, address] of MEMBERS) {
    it(`finds ${address} in ${entry}`, () => expect(isFrom(entry, address)).to.equal(true));
  }

  for (const [entry, address] of STRANGERS) {
    it(`does not find ${address} in ${entry}`, () => expect(isFrom(entry, address)).to.equal(false));
  }

  it("finds an address that any of its entries means, and none where there are no entries", () => {
    const isMember = fromAddresses(["192.0.2.7", "2001:db8::/32", "10.0.0.0/8"]);
    for (const ip of ["192.0.2.7", "2001:db8::9", "10.4.4.4"])
      expect(isMember(requestFrom(ip))).to.equal(true);
    expect(fromAddresses([])(requestFrom("192.0.2.7"))).to.equal(false);
  });

  it("finds nobody without an address", () => {
    for (const ip of [undefined, "", "unknown"]) {
      expect(fromAddresses(["0.0.0.0/0", "::/0"])(requestFrom(ip))).to.equal(false);
    }
  });

  for (const entry of NEITHER) {
    it(`refuses ${JSON.stringify(entry)}, and says so`, () => {
      expect(() => fromAddresses(["192.0.2.7", entry])).to.throw(TypeError, `"${entry}"`);
    });
  }
});

describe("an allow list", () => {
  it("lets its addresses past the limit, and nobody else", async () => {
    const app = appOf(
      rateLimit({
        store: new MemoryRateLimitStore(),
        policies: policySet([policy("fixed-window", 1)]),
        skip: fromAddresses(["192.0.2.0/24"]),
      }),
    );
    for (const [address, statuses] of [
      ["192.0.2.7", [200, 200]],
      ["198.51.100.7", [200, 429]],
    ] as const) {
      for (const status of statuses) expect((await from(app, address)).status).to.equal(status);
    }
  });
});

describe("denyAddresses", () => {
  it("answers 403 with a problem to its addresses, and lets everybody else pass", async () => {
    const app = appOf(denyAddresses(["192.0.2.0/24"]));
    const denied = await from(app, "192.0.2.7");
    expect(denied.status).to.equal(403);
    expect(denied.type).to.equal("application/problem+json");
    expect(denied.body).to.include({ status: 403 });
    expect((await from(app, "198.51.100.7")).status).to.equal(200);
  });

  it("refuses an app that trusts every proxy, in which everybody can name another address", async () => {
    const limiterWith = (options: object): express.RequestHandler =>
      rateLimit({ store: new MemoryRateLimitStore(), policies: [policy("fixed-window", 1)], ...options });
    const list = ["192.0.2.0/24"];
    const middlewares: Record<string, express.RequestHandler> = {
      denyAddresses: denyAddresses(list),
      fromAddresses: limiterWith({ key: () => "k", skip: fromAddresses(list) }),
      rateLimit: limiterWith({}),
    };
    for (const [called, middleware] of Object.entries(middlewares)) {
      const app = appOf(middleware);
      app.set("trust proxy", true);
      const { status, text } = await from(app, "192.0.2.7");
      expect(status).to.equal(500);
      expect(text).to.include(`TypeError: ${called}: with "trust proxy": true`);
    }
  });

  it("takes a list, and says so to whoever gives one address", () => {
    for (const list of ["10.0.0.1", undefined] as unknown as string[][]) {
      const says = 'the addresses must be an array, for example ["192.0.2.7"';
      expect(() => denyAddresses(list)).to.throw(TypeError, `denyAddresses: ${says}`);
      expect(() => fromAddresses(list)).to.throw(TypeError, `fromAddresses: ${says}`);
    }
  });

  it("has a name in stack traces, and refuses an invalid list", () => {
    expect(denyAddresses([]).name).to.equal("denyAddressesMiddleware");
    expect(() => denyAddresses(["nobody"])).to.throw(TypeError, "nobody");
  });
});

function appOf(middleware: express.RequestHandler): Express {
  const app = express();
  app.set("trust proxy", "loopback");
  app.use(middleware);
  app.get("/", (_req, res) => void res.send("through"));
  app.use(
    ((error, _req, res, _next) =>
      void res.status(500).send(String(error))) satisfies express.ErrorRequestHandler,
  );
  return app;
}

function from(app: Express, address: string): request.Test {
  return request(app).get("/").set("X-Forwarded-For", address);
}
