import { isIP, isIPv4, isIPv6 } from "node:net";
import type { Request } from "express";
import ipaddr from "ipaddr.js";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { hasGone } from "../request/gone.ts";

/** A household or an office gets at least a /64, often a /56 (RFC 6177): one client, whatever address it picks. */
const IPV6_PREFIX_BITS = 56;
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/** Requests without an address share one count: they are few, and each of them would else have none at all. */
const NO_ADDRESS = "unknown";

/**
 * The default key of a limiter: the address Express found for the client, by its `trust proxy` setting, see
 * {@link addressKey}.
 *
 * Warns once (`ERS_FORWARDED_UNTRUSTED`) when X-Forwarded-For comes to an app that trusts no proxy: behind one, all
 * clients would share the proxy's address. Requests without an address (a Unix socket, a proxy that sends `unknown`)
 * count together under one key; `ERS_NO_CLIENT_ADDRESS` says so once.
 *
 * @throws TypeError when the app trusts every proxy (`trust proxy: true`), since each client then chooses its own
 * address
 */
export function clientKey(req: Request): string {
  const address = clientAddress(req, "rateLimit");
  if (!req.app.get("trust proxy") && req.headers["x-forwarded-for"] !== undefined) {
    warnOnce(
      "ERS_FORWARDED_UNTRUSTED",
      'X-Forwarded-For was sent, but "trust proxy" is not set: behind a proxy all clients are counted as one',
    );
  }
  if (address !== undefined) return addressKey(address);
  // Who has gone has no address any more, whatever the server listens on.
  if (!hasGone(req)) {
    warnOnce(
      "ERS_NO_CLIENT_ADDRESS",
      "a request has no client address (a Unix socket, or a proxy that sends none): all of these count as one client",
    );
  }
  return NO_ADDRESS;
}

/**
 * The address Express found for the client, without the port that some load balancers add; undefined where there is
 * none, or one that is no IP address.
 *
 * @param owner the function that was called for it, which begins the error's message
 * @throws TypeError when the app trusts every proxy
 */
export function clientAddress(req: Request, owner: string): string | undefined {
  if (req.app.get("trust proxy") === true) {
    throw new TypeError(
      `${owner}: with "trust proxy": true every client chooses its own address; name your proxies, or their number`,
    );
  }
  // Express works the address out anew each time that it is read.
  const { ip } = req;
  const [address = ""] = ip === undefined ? [] : withoutPort(ip).split("%", 1);
  return isIP(address) === 0 ? undefined : address;
}

/**
 * IPv4 stays as it is; IPv6 becomes its /56. IPv4 inside of IPv6 (mapped `::ffff:0:0/96`, NAT64 `64:ff9b::/96`) is
 * found by its range, however it is written; a zone id and a port (`192.0.2.7:443`, `[2001:db8::1]:443`) are dropped.
 *
 * @throws TypeError for a string that is no IP address
 */
export function addressKey(address: string): string {
  const plain = plainAddress(withoutPort(address));
  if (typeof plain === "string") return plain;
  const network = plain.toByteArray().slice(0, IPV6_PREFIX_BITS / 8);
  return `${network.map((byte) => byte.toString(16).padStart(2, "0")).join("")}/${IPV6_PREFIX_BITS}`;
}

/** IPv4 as a string, however it came; everything else as IPv6. */
export function plainAddress(address: string): string | ipaddr.IPv6 {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) throw new TypeError("rateLimit: the client address is no IP address");
  // Node takes more characters in a zone id than ipaddr.js does.
  const [withoutZone = ""] = address.split("%", 1);
  const ipv6 = ipaddr.IPv6.parse(withoutDots(withoutZone));
  if (ipv6.isIPv4MappedAddress()) return ipv6.toIPv4Address().toString();
  return ipv6.match(NAT64) ? ipv6.toByteArray().slice(12).join(".") : ipv6;
}

function withoutPort(address: string): string {
  if (isIP(address) !== 0) return address;
  const [, ipv4, ipv6] = /^(?:(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]*:[^\]]*)\](?::\d+)?)$/.exec(address) ?? [];
  return ipv4 ?? ipv6 ?? address;
}

/** Says the last four bytes in hexadecimal: ipaddr.js takes the dotted `::1.2.3.4` for another address than it is. */
function withoutDots(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)/, (_dotted, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}
