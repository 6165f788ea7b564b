import type { Redis } from "ioredis";

/** What a Redis did between two looks at it. */
export interface RedisUse {
  /** Calls and microseconds by command; those that a script made are counted too, and are part of the script's time. */
  readonly commands: ReadonlyMap<string, CommandUse>;
  /** CPU of the whole process, in user and system mode. */
  readonly cpuUs: number;
}

export interface CommandUse {
  readonly calls: number;
  readonly us: number;
}

const OWN_COMMANDS = /^(config|info|client|ping|hello|select)\b/;
const COMMAND_LINE = /^cmdstat_(.+?):calls=(\d+),usec=(\d+)/;
const CPU_LINE = /^used_cpu_(?:user|sys):([\d.]+)/;

/** Begins to count; the function it answers says what happened since. */
export async function watchRedis(redis: Redis): Promise<() => Promise<RedisUse>> {
  await redis.config("RESETSTAT");
  const cpuBefore = await cpuUs(redis);
  return async () => {
    const cpuAfter = await cpuUs(redis);
    const commands = new Map<string, CommandUse>();
    for (const line of (await redis.info("commandstats")).split("\r\n")) {
      const [, name = "", calls, us] = COMMAND_LINE.exec(line) ?? [];
      if (name !== "" && !OWN_COMMANDS.test(name))
        commands.set(name, { calls: Number(calls), us: Number(us) });
    }
    return { commands, cpuUs: cpuAfter - cpuBefore };
  };
}

async function cpuUs(redis: Redis): Promise<number> {
  let seconds = 0;
  for (const line of (await redis.info("cpu")).split("\r\n"))
    seconds += Number(CPU_LINE.exec(line)?.[1] ?? 0);
  return seconds * 1e6;
}

/** The scripts that were called, by SHA-1 or by text. */
export function scriptUse({ commands }: RedisUse): CommandUse {
  const evalsha = commands.get("evalsha") ?? { calls: 0, us: 0 };
  const byText = commands.get("eval") ?? { calls: 0, us: 0 };
  return { calls: evalsha.calls + byText.calls, us: evalsha.us + byText.us };
}
