import type { Request } from "express";

/**
 * Whether a request's connection is over. One that the client has just reset has lost the client's address before Node
 * says that it is destroyed; what never had one (a Unix socket) has no address of this side either.
 */
export function hasGone({ socket }: Request): boolean {
  return socket.destroyed || (socket.remoteAddress === undefined && socket.localAddress !== undefined);
}
