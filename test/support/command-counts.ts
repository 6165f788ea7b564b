import type { RedisClient } from "express-redis-suite/redis";

/**
 * Runs `action` and answers how often the server was asked for each command on the wire meanwhile. Commands inside
 * scripts are counted by Redis too and left out here: a script is one `evalsha`.
 */
export async function countCommands(
  client: RedisClient,
  action: () => Promise<unknown>,
): Promise<Map<string, number>> {
  if ("nodes" in client) throw new TypeError("counting needs a standalone client");
  const monitor = await client.monitor();
  const counts = new Map<string, number>();
  const marker = `end-of-count-${Math.random()}`;
  const finished = new Promise<void>((resolve) => {
    monitor.on("monitor", (_time: string, [command = "", argument]: string[], source: string) => {
      if (argument === marker) resolve();
      else if (source !== "lua")
        counts.set(command.toLowerCase(), (counts.get(command.toLowerCase()) ?? 0) + 1);
    });
  });
  try {
    await action();
    await client.echo(marker);
    await finished;
  } finally {
    monitor.disconnect();
  }
  return counts;
}
