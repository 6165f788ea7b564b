import { isIPv4 } from "node:net";
import type { Request } from "express";
import ipaddr from "ipaddr.js";

/** A household or an office gets at least a /64, often a /56 (RFC 6177): one client, whatever address it picks. */
const IPV6_PREFIX_BITS = 56;
const NAT64 = ipaddr.IPv6.parseCIDR("64:ff9b::/96");

/**
 * The default key of a limiter: the address Express found for the client (see `trust proxy`).
 *
 * @throws TypeError when Express has no usable address, which means that the socket is already gone or a proxy sent
 * something that is none
 */
export function clientKey(req: Request): string {
  if (req.ip === undefined) throw new TypeError("rateLimit: the request has no client address");
  return addressKey(req.ip);
}

/**
 * IPv4 stays as it is; IPv6 becomes its /56. IPv4 inside of IPv6 (mapped `::ffff:0:0/96`, NAT64 `64:ff9b::/96`) is
 * found by its range, however it is written, and a zone id is dropped.
 *
 * @throws TypeError for a text that is no IP address
 */
export function addressKey(address: string): string {
  if (isIPv4(address)) return address;
  if (!ipaddr.IPv6.isValid(address)) throw new TypeError("rateLimit: the client address is no IP address");
  const ipv6 = ipaddr.IPv6.parse(address);
  if (ipv6.isIPv4MappedAddress()) return ipv6.toIPv4Address().toString();
  const bytes = ipv6.toByteArray();
  if (ipv6.match(NAT64)) return bytes.slice(12).join(".");
  const network = bytes.slice(0, IPV6_PREFIX_BITS / 8).map((byte) => byte.toString(16).padStart(2, "0"));
  return `${network.join("")}/${IPV6_PREFIX_BITS}`;
}
