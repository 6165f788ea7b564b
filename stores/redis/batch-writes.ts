import type { RedisClient } from "./guard.ts";

/**
 * Lets the commands of one turn of the event loop go out in one write to the socket: under load the system call a
 * command is the largest part of what asking Redis costs this process. Ends with the turn, so a lone command waits for
 * nothing but what is already due.
 *
 * ioredis's autopipelining would batch too, at the cost of a pipeline object a turn, which made this path dearer. A
 * Cluster has a socket a node and is left alone, as is a client without one at the moment.
 */
export function batchWrites(client: RedisClient): void {
  if (!("stream" in client)) return;
  const { stream } = client;
  if (!stream || stream.writableCorked > 0) return;
  stream.cork();
  setImmediate(() => stream.uncork());
}
