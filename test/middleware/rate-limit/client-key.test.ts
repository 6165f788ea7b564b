import { expect } from "chai";
import { addressKey } from "express-redis-suite/rate-limit";

const SAME_CLIENT: readonly (readonly [address: string, key: string])[] = [
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["::ffff:cb00:7107", "203.0.113.7"],
  ["0:0:0:0:0:ffff:cb00:7107", "203.0.113.7"],
  ["64:ff9b::203.0.113.7", "203.0.113.7"],
  ["64:ff9b::cb00:7107", "203.0.113.7"],
  ["2001:db8:12:3400::1", "20010db8001234/56"],
  ["2001:db8:12:34ff:ffff:ffff:ffff:ffff", "20010db8001234/56"],
  ["2001:DB8:12:3456:0:0:0:1", "20010db8001234/56"],
  ["fe80::1%eth0", "fe800000000000/56"],
  ["::1", "00000000000000/56"],
];

describe("addressKey", () => {
  for (const [address, key] of SAME_CLIENT) {
    it(`makes ${key} of ${address}`, () => {
      expect(addressKey(address)).to.equal(key);
    });
  }

  it("does not take the dotted end of an ordinary IPv6 address for IPv4", () => {
    expect(addressKey("2001:db8::203.0.113.7")).to.equal("20010db8000000/56");
  });

  it("keeps neighbouring /56 networks apart", () => {
    expect(addressKey("2001:db8:12:3400::1")).not.to.equal(addressKey("2001:db8:12:3500::1"));
  });

  for (const text of ["", "unknown", "203.0.113.7:8080", "2001:db8::g", "1.2.3", "_hidden"]) {
    it(`refuses ${JSON.stringify(text)}, which is no address`, () => {
      expect(() => addressKey(text)).to.throw(TypeError, "no IP address");
    });
  }
});
