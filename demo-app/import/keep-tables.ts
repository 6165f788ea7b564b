import type { CheckResult } from "express-redis-suite/health";
import type { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import type { Logger } from "pino";
import type { Boards } from "../boards.ts";
import { importMatches } from "./import-matches.ts";

export interface KeepTablesOptions {
  readonly boards: Boards;
  /** One process at a time settles matches; the others see the tables become whole. */
  readonly locks: LockManager;
  readonly logger: Logger;
  /** Ends the keeping. */
  readonly signal: AbortSignal;
  /** How often the tables are looked at, milliseconds. Default 2,000; each look is one ZCOUNT per table. */
  readonly everyMs?: number;
}

export interface KeptTables {
  /** Looks now: down while a table is missing. Rejects where Redis cannot be asked. */
  readonly check: () => Promise<CheckResult>;
  /** Does not wait for the next look; for a connection that is new. */
  readonly wake: () => void;
}

const SETTLEMENT = "settlement";
/** Extended while the work lasts: how long a process that dies in it keeps the others from going on. */
const SETTLEMENT_TTL_MS = 3000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/**
 * Fills tables again that Redis has lost: it came back empty, somebody emptied it, a replica without them took over, one
 * master of a Cluster restarted, a key was evicted. Each table is asked what it has counted, so it does not matter how it
 * was lost, nor that another process fills it at the same time. A Redis that refuses is asked again for as long as it
 * takes. The log has a line when tables are missing, and one when they are whole again.
 */
export function keepTables(options: KeepTablesOptions): KeptTables {
  const { boards, signal, everyMs = 2000 } = options;
  let woken = false;
  let endSleep: (() => void) | undefined;
  const wake = (): void => {
    woken = true;
    endSleep?.();
  };
  signal.addEventListener("abort", wake, { once: true });

  /** Ends at once where somebody woke it meanwhile: what they saw may be newer than what was looked at. */
  const sleep = async (ms: number): Promise<void> => {
    if (woken) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      endSleep = resolve;
      timer = setTimeout(resolve, ms).unref();
    });
    clearTimeout(timer);
  };
  const keep = async (): Promise<void> => {
    const refill = refiller(options);
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      woken = false;
      const whole = await refill();
      pauseMs = whole ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      await sleep(whole ? everyMs : pauseMs);
    }
  };
  void keep();

  return {
    async check() {
      const missing = await boards.missing();
      if (missing.length === 0) return { up: true };
      wake();
      return { up: false, reason: `${missing.length} of ${boards.seasons.length} are being filled` };
    },
    wake: () => wake(),
  };
}

/** Makes a function that fills what is missing, and returns whether all is there. It never rejects. */
function refiller({ boards, locks, logger, signal }: KeepTablesOptions): () => Promise<boolean> {
  let told = false;
  return async () => {
    try {
      const missing = await boards.missing();
      if (missing.length > 0) {
        if (!told)
          logger.warn({ tables: missing.length }, "Redis has lost tables; they are being filled again");
        told = true;
        await locks.using(SETTLEMENT, { ttlMs: SETTLEMENT_TTL_MS }, (lock) =>
          importMatches({ boards, seasons: missing, signal: AbortSignal.any([signal, lock.signal]) }),
        );
        return false;
      }
      if (told) logger.warn("All tables are whole again");
      told = false;
      return true;
    } catch (error) {
      // Why Redis cannot be asked is told once, by those who watch it; or another process is settling.
      logger.debug({ reason: (error as Error).message }, "tables could not be looked after");
      return false;
    }
  };
}
