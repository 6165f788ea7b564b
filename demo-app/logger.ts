import { channels } from "express-redis-suite/telemetry";
import { destination, pino, type Logger } from "pino";
import type { Config } from "./config.ts";

/** Logs as JSON lines to standard error; standard output belongs to what the demo was asked for. */
export function createLogger(level: Config["logLevel"]): Logger {
  return pino({ level, base: null }, destination({ fd: 2, sync: true }));
}

/** Tells when Redis goes and comes, once each, however many requests notice. */
export function logBreaker(logger: Logger): void {
  channels.redisBreaker.subscribe(({ state }) => {
    if (state === "open") logger.warn("Redis does not answer; requests go by each middleware's policy");
    else logger.warn("Redis answers again");
  });
}
