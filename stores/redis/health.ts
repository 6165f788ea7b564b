import { connectionError } from "./connection-errors.ts";
import type { RedisClient } from "./guard.ts";

/**
 * One look at a Redis. `up: false` stands for refused, silent and still loading alike; `reason` says which: of a client that
 * cannot connect, its last connection error, without credentials.
 */
export interface RedisHealth {
  readonly up: boolean;
  /** The round trip of the PING, milliseconds; for a Cluster the slowest master's. */
  readonly latencyMs: number;
  readonly reason?: string;
}

/**
 * Asks a standalone Redis, or every master of a Cluster, for a PONG within `deadlineMs` (default 250 ms).
 * Never rejects, and never waits longer, whatever state the client is in.
 */
export async function health(client: RedisClient, deadlineMs = 250): Promise<RedisHealth> {
  const startedAt = performance.now();
  const nodes = client.isCluster && "nodes" in client ? client.nodes("master") : [client];
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    if (nodes.length === 0) throw new Error("no master is known");
    await Promise.race([Promise.all(nodes.map((node) => node.ping())), tooLate]);
    return { up: true, latencyMs: performance.now() - startedAt };
  } catch (error) {
    const { message } = connectionError(client) ?? (error as Error);
    return { up: false, latencyMs: performance.now() - startedAt, reason: message };
  } finally {
    clearTimeout(timer);
  }
}
