import { expect } from "chai";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { addressKey, clientKey } from "express-redis-suite/rate-limit";
import fc from "fast-check";
import request from "supertest";

const SAME_CLIENT: readonly (readonly [address: string, key: string])[] = [
  // IPv4 stays as it is.
  ["203.0.113.7", "203.0.113.7"],
  ["0.0.0.0", "0.0.0.0"],
  ["255.255.255.255", "255.255.255.255"],
  ["127.0.0.1", "127.0.0.1"],
  ["10.0.0.1", "10.0.0.1"],
  ["169.254.1.1", "169.254.1.1"],
  ["100.64.0.1", "100.64.0.1"],
  // IPv4-mapped, ::ffff:0:0/96, however it is written (RFC 4291 §2.5.5.2).
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::FFFF:203.0.113.7", "203.0.113.7"],
  ["::ffff:cb00:7107", "203.0.113.7"],
  ["::FFFF:CB00:7107", "203.0.113.7"],
  ["0:0:0:0:0:ffff:cb00:7107", "203.0.113.7"],
  ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
  ["0000:0000:0000:0000:0000:ffff:cb00:7107", "203.0.113.7"],
  ["0::ffff:203.0.113.7", "203.0.113.7"],
  ["::0:ffff:cb00:7107", "203.0.113.7"],
  ["::ffff:0.0.0.0", "0.0.0.0"],
  ["::ffff:0:0", "0.0.0.0"],
  ["::ffff:ffff:ffff", "255.255.255.255"],
  ["::ffff:127.0.0.1", "127.0.0.1"],
  ["::ffff:102:304", "1.2.3.4"],
  ["::ffff:1.2.3.4%eth0", "1.2.3.4"],
  // NAT64's well-known prefix, 64:ff9b::/96 (RFC 6052 §2.1).
  ["64:ff9b::203.0.113.7", "203.0.113.7"],
  ["64:ff9b::cb00:7107", "203.0.113.7"],
  ["64:FF9B::CB00:7107", "203.0.113.7"],
  ["0064:ff9b:0:0:0:0:cb00:7107", "203.0.113.7"],
  ["0064:ff9b:0000:0000:0000:0000:203.0.113.7", "203.0.113.7"],
  ["64:ff9b::", "0.0.0.0"],
  ["64:ff9b::ffff:ffff", "255.255.255.255"],
  // What is next to these ranges, and only looks like them, is IPv6.
  ["::fffe:cb00:7107", "00000000000000/56"],
  ["::1:ffff:cb00:7107", "00000000000000/56"],
  ["::ffff:0:203.0.113.7", "00000000000000/56"],
  ["1::ffff:203.0.113.7", "00010000000000/56"],
  ["::203.0.113.7", "00000000000000/56"],
  ["::cb00:7107", "00000000000000/56"],
  ["::1.2.3.4", "00000000000000/56"],
  ["64:ff9b:0:0:0:1:cb00:7107", "0064ff9b000000/56"],
  ["64:ff9b:1::203.0.113.7", "0064ff9b000100/56"],
  ["64:ff9c::203.0.113.7", "0064ff9c000000/56"],
  ["65:ff9b::203.0.113.7", "0065ff9b000000/56"],
  ["2001:db8::203.0.113.7", "20010db8000000/56"],
  ["2002:cb00:7107::1", "2002cb00710700/56"],
  ["2001:0:cb00:7107::1", "20010000cb0071/56"],
  // IPv6 by its /56.
  ["2001:db8:12:3400::1", "20010db8001234/56"],
  ["2001:db8:12:34ff:ffff:ffff:ffff:ffff", "20010db8001234/56"],
  ["2001:DB8:12:3456:0:0:0:1", "20010db8001234/56"],
  ["2001:0db8:0012:3456:0000:0000:0000:0001", "20010db8001234/56"],
  ["2001:db8:12:3500::", "20010db8001235/56"],
  ["2001:db8:12:33ff::", "20010db8001233/56"],
  ["2001:db8::", "20010db8000000/56"],
  ["2001:db8::1", "20010db8000000/56"],
  ["2001:db8:0:ff::1", "20010db8000000/56"],
  ["2001:db8:0:100::1", "20010db8000001/56"],
  ["2a00:1450:4001:81b::200e", "2a001450400108/56"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffffffffffffff/56"],
  ["fd12:3456:789a:1::1", "fd123456789a00/56"],
  ["::", "00000000000000/56"],
  ["::1", "00000000000000/56"],
  ["0:0:0:0:0:0:0:1", "00000000000000/56"],
  // A zone id names an interface of this machine, not a client.
  ["fe80::1%eth0", "fe800000000000/56"],
  ["fe80::1%1", "fe800000000000/56"],
  ["fe80::1%br-5a3f", "fe800000000000/56"],
  ["[fe80::1%eth0.100]:80", "fe800000000000/56"],
  ["::ffff:203.0.113.7%a:b", "203.0.113.7"],
  ["fe80::1", "fe800000000000/56"],
  ["fe80:0:0:1ff::1%en0", "fe800000000001/56"],
  // Some load balancers send the port too.
  ["203.0.113.7:8080", "203.0.113.7"],
  ["[2001:db8:12:3456::1]:8080", "20010db8001234/56"],
  ["[2001:db8:12:3456::1]", "20010db8001234/56"],
  ["[::ffff:203.0.113.7]:443", "203.0.113.7"],
];

const NO_ADDRESSES = [
  "",
  " ",
  "unknown",
  "_hidden",
  "localhost",
  "203.0.113.7:",
  "203.0.113.7:http",
  "[203.0.113.7]:8080",
  "[2001:db8::1",
  "[2001:db8::1]8080",
  "2001:db8::g",
  "2001:db8:::1",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "12345::",
  "::ffff:256.0.0.1",
  "::ffff:1.2.3",
  "2001:db8::/56",
  "1.2.3",
  "1.2.3.4.5",
  "256.1.1.1",
  "01.2.3.4",
  "0x7f.0.0.1",
  "127.1",
  "2130706433",
  "203.0.113.7%eth0",
  "203.0.113.7 ",
  "203.0.113.7, 10.0.0.1",
  "fe80::1%",
];

describe("addressKey", () => {
  for (const [address, key] of SAME_CLIENT) {
    it(`makes ${key} of ${address}`, () => {
      expect(addressKey(address)).to.equal(key);
    });
  }

  for (const text of NO_ADDRESSES) {
    it(`refuses ${JSON.stringify(text)}, which is no address`, () => {
      expect(() => addressKey(text)).to.throw(TypeError, "no IP address");
    });
  }

  it("makes the same key of an address in whatever notation", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const groups = Array.from(
          { length: 8 },
          (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0),
        );
        const hex = groups.map((group) => group.toString(16)).join(":");
        const padded = groups.map((group) => group.toString(16).padStart(4, "0").toUpperCase()).join(":");
        const dotted = `${hex.split(":").slice(0, 6).join(":")}:${bytes.slice(12).join(".")}`;
        expect([addressKey(padded), addressKey(dotted)]).to.deep.equal([addressKey(hex), addressKey(hex)]);
      }),
    );
  });
});

describe("clientKey", () => {
  function appThat(trusts: unknown): Express {
    const app = express();
    app.set("trust proxy", trusts);
    app.get("/", (req, res) => void res.send(clientKey(req)));
    app.use((error: Error, _req: Request, res: Response, _next: NextFunction) => {
      res.status(500).send(`${error.name}: ${error.message}`);
    });
    return app;
  }

  it("is the address that Express found", async () => {
    const one = await request(appThat("loopback")).get("/").set("X-Forwarded-For", "2001:db8:12:3456::1");
    expect(one.text).to.equal("20010db8001234/56");
    expect((await request(appThat(false)).get("/")).text).to.equal("127.0.0.1");
  });

  it("does not count by an address that the client chose", async () => {
    const answer = await request(appThat(1)).get("/").set("X-Forwarded-For", "192.0.2.1, 198.51.100.7");
    expect(answer.text).to.equal("198.51.100.7");
  });

  it("refuses an app that trusts every proxy", async () => {
    const answer = await request(appThat(true)).get("/").set("X-Forwarded-For", "192.0.2.1");
    expect(answer.status).to.equal(500);
    expect(answer.text).to.match(/^TypeError: .*"trust proxy": true/);
  });

  it("drops the port that a trusted proxy sends", async () => {
    for (const [forwarded, key] of [
      ["198.51.100.7:5678", "198.51.100.7"],
      ["[2001:db8:12:3456::1]:5678", "20010db8001234/56"],
    ] as const) {
      expect((await request(appThat(1)).get("/").set("X-Forwarded-For", forwarded)).text).to.equal(key);
    }
  });

  it("is one key for all that a trusted proxy sends and is no address", async () => {
    for (const forwarded of ["unknown", "_hidden", "198.51.100"]) {
      const answer = await request(appThat(1)).get("/").set("X-Forwarded-For", forwarded);
      expect([answer.status, answer.text]).to.deep.equal([200, "unknown"]);
    }
  });
});
