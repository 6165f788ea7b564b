import { cpus, loadavg, release, type } from "node:os";
import type { Redis } from "ioredis";

/** When and on what a measurement ran; figures of two machines, or of a busy one, do not compare. */
export async function describeMachine(redis: Redis): Promise<string> {
  const version = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1] ?? "of unknown version";
  const cores = cpus();
  return [
    new Date().toISOString().slice(0, 10),
    `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"})`,
    `${type()} ${release().split("-")[0]}`,
    `Node ${process.versions.node}`,
    `Redis ${version}`,
    `load average before ${(loadavg()[0] ?? NaN).toFixed(1)}`,
  ].join(" · ");
}
