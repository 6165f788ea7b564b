import type { Redis } from "ioredis";
import type { RedisClient } from "./guard.ts";

/** Ends a client in order: waits for replies under way, at most 500 ms, then closes the socket. Never rejects. */
export async function close(client: RedisClient): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 500);
  });
  await Promise.race([client.quit().catch(() => {}), patience]);
  clearTimeout(timer);
  hangUp(client);
}

/**
 * Closes the socket at once.
 *
 * Node may report two errors of a TLS handshake that is given up while it is under way; ioredis listens for one, and
 * the other would end the process.
 */
export function hangUp(client: RedisClient): void {
  const nodes = "nodes" in client ? client.nodes() : [client];
  // Undefined until the first attempt has a socket, whatever its type says.
  for (const { stream } of nodes as { stream?: Redis["stream"] }[]) stream?.on("error", () => {});
  client.disconnect();
}
