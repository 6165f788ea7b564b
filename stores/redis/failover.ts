import type { Redis } from "ioredis";
import { CONNECTION_CLOSED } from "../../telemetry/client-failure.ts";

/** What ioredis has no public name for: the connections on which a client waits for news of a failover. */
interface FailoverWatch {
  readonly connector?: {
    readonly failoverDetector?: { readonly sentinels: readonly { readonly client: Redis }[] } | null;
  };
}

/**
 * Connects a client of a master behind Sentinels once more where ioredis gives it up for good: when the news of a
 * failover come while the client asks a sentinel for the master, its connector takes them for the owner's wish to end.
 * An end that the owner asked for emits no error, and stays one.
 */
export function outliveFailover(client: Redis): Redis {
  client.on("error", ({ message }: Error) => {
    if (message !== CONNECTION_CLOSED || client.status !== "connecting") return;
    // Right after this event the status becomes "end".
    setImmediate(() => {
      if (client.status === "end") client.connect().catch(() => {});
    });
  });
  // Made anew with each connection, and without a listener: ioredis would print that a sentinel is away.
  client.on("connect", () => {
    const { connector } = client as unknown as FailoverWatch;
    for (const { client: watch } of connector?.failoverDetector?.sentinels ?? []) watch.on("error", () => {});
  });
  return client;
}
