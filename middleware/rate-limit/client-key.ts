import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import type { Request } from "express";
import ipaddr from "ipaddr.js";
import { warnOnce } from "../../telemetry/warn-once.ts";

/** A household or an office gets at least a /64, often a /56 (RFC 6177): one client, whatever address it picks. */
const IPV6_PREFIX_BITS = 56;
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/**
 * The default key of a limiter: the address Express found for the client, by its `trust proxy` setting.
 *
 * Warns once (`ERS_FORWARDED_UNTRUSTED`) when X-Forwarded-For comes to an app that trusts no proxy: behind one, all
 * clients would share the proxy's address.
 *
 * @throws TypeError when the app trusts every proxy (`trust proxy: true`), since each client then chooses its own
 * address, and when Express has no address, or one that is none
 */
export function clientKey(req: Request): string {
  const trust: unknown = req.app.get("trust proxy");
  if (trust === true) {
    throw new TypeError(
      'rateLimit: with "trust proxy": true every client chooses its own address; name your proxies, or their number',
    );
  }
  if (!trust && req.headers["x-forwarded-for"] !== undefined) {
    warnOnce(
      "ERS_FORWARDED_UNTRUSTED",
      'X-Forwarded-For was sent, but "trust proxy" is not set: behind a proxy all clients are counted as one',
    );
  }
  // Express works the address out anew each time that it is read.
  const { ip } = req;
  if (ip === undefined) throw new TypeError("rateLimit: the request has no client address");
  return addressKey(ip);
}

/**
 * IPv4 stays as it is; IPv6 becomes its /56. IPv4 inside of IPv6 (mapped `::ffff:0:0/96`, NAT64 `64:ff9b::/96`) is
 * found by its range, however it is written, and a zone id is dropped.
 *
 * @throws TypeError for a text that is no IP address
 */
export function addressKey(address: string): string {
  const plain = plainAddress(address);
  if (typeof plain === "string") return plain;
  const network = plain.toByteArray().slice(0, IPV6_PREFIX_BITS / 8);
  return `${network.map((byte) => byte.toString(16).padStart(2, "0")).join("")}/${IPV6_PREFIX_BITS}`;
}

/** IPv4 as text, however it came; everything else as IPv6. */
function plainAddress(address: string): string | ipaddr.IPv6 {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) throw new TypeError("rateLimit: the client address is no IP address");
  const ipv6 = ipaddr.IPv6.parse(withoutDots(address));
  if (ipv6.isIPv4MappedAddress()) return ipv6.toIPv4Address().toString();
  return ipv6.match(NAT64) ? ipv6.toByteArray().slice(12).join(".") : ipv6;
}

/** Says the last four bytes in hexadecimal: ipaddr.js takes the dotted `::1.2.3.4` for another address than it is. */
function withoutDots(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)/, (_dotted, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

/**
 * Tells whether a request comes from one of these addresses or networks (`192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`).
 * Pass it as `skip` for an allow list; for a deny list see `denyAddresses`.
 *
 * @throws TypeError for an entry that is neither
 */
export function fromAddresses(list: readonly string[]): (req: Request) => boolean {
  const members = new BlockList();
  for (const entry of list) addMember(members, entry);
  return ({ ip }) => {
    if (ip === undefined || isIP(ip) === 0) return false;
    const plain = plainAddress(ip);
    // A network may be given as the IPv4 that is in an address, or as the IPv6 that it came as.
    return members.check(plain.toString(), familyOf(plain)) || (isIPv6(ip) && members.check(ip, "ipv6"));
  };
}

function familyOf(plain: string | ipaddr.IPv6): "ipv4" | "ipv6" {
  return typeof plain === "string" ? "ipv4" : "ipv6";
}

function addMember(members: BlockList, entry: string): void {
  const [, address = "", bits] = /^([^/]*)(?:\/(\d+))?$/.exec(entry) ?? [];
  try {
    const plain = plainAddress(address);
    if (bits === undefined) members.addAddress(plain.toString(), familyOf(plain));
    else members.addSubnet(address, Number(bits), isIPv4(address) ? "ipv4" : "ipv6");
  } catch {
    throw new TypeError(`"${entry}" is neither an IP address nor a network like 10.0.0.0/8`);
  }
}
