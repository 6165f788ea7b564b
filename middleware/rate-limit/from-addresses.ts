import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { Request } from "express";
import type ipaddr from "ipaddr.js";
import { clientAddress, plainAddress } from "./client-key.ts";

/**
 * Tells whether a request comes from one of these addresses or networks (`192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`).
 * Pass it as `skip` for an allow list; for a deny list see `denyAddresses`.
 *
 * A request without an address comes from none of them.
 *
 * @throws TypeError for an entry that is neither, and, at request time, when the app trusts every proxy
 * (`trust proxy: true`), since each client then chooses its own address
 */
export function fromAddresses(list: readonly string[]): (req: Request) => boolean {
  return membersOf("fromAddresses", list);
}

/** @param owner the function that was given the list, which begins each error's message */
export function membersOf(owner: string, list: readonly string[]): (req: Request) => boolean {
  if (!Array.isArray(list)) {
    throw new TypeError(`${owner}: the addresses must be an array, for example ["192.0.2.7", "10.0.0.0/8"]`);
  }
  const members = new BlockList();
  for (const entry of list) {
    if (!addMember(members, entry)) {
      throw new TypeError(`${owner}: "${entry}" is neither an IP address nor a network like 10.0.0.0/8`);
    }
  }
  return (req) => {
    const address = clientAddress(req, owner);
    if (address === undefined) return false;
    const plain = plainAddress(address);
    // A network may be given as the IPv4 that is in an address, or as the IPv6 that it came as.
    if (members.check(plain.toString(), familyOf(plain))) return true;
    return isIPv6(address) && members.check(address, "ipv6");
  };
}

function familyOf(plain: string | ipaddr.IPv6): "ipv4" | "ipv6" {
  return typeof plain === "string" ? "ipv4" : "ipv6";
}

/** False for an entry that is neither an address nor a network. */
function addMember(members: BlockList, entry: string): boolean {
  const [, address = "", bits] = /^([^/]*)(?:\/(\d+))?$/.exec(entry) ?? [];
  try {
    const plain = plainAddress(address);
    if (bits === undefined) members.addAddress(plain.toString(), familyOf(plain));
    else members.addSubnet(address, Number(bits), isIPv4(address) ? "ipv4" : "ipv6");
    return true;
  } catch {
    return false;
  }
}
