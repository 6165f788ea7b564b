const TICK_MS = 5;

/** Time for bounds on a busy machine: wall time for lower ones, own time for upper ones. */
export interface Stopwatch {
  /** Milliseconds since the start. */
  wallMs(): number;
  /** Milliseconds since the start, less those withheld; see {@link Withheld}. */
  ownMs(): number;
}

/**
 * When this process wanted to run and was not let: ticks that came late although it used no processor meanwhile. What
 * our own code blocks or waits for is not withheld.
 */
export interface Withheld {
  /** Milliseconds withheld between two moments of `performance.now()`. */
  between(from: number, to: number): number;
  stop(): void;
}

export function startStopwatch(): Stopwatch {
  const startedAt = performance.now();
  const withheld = watchWithheldTime();
  return {
    wallMs: () => performance.now() - startedAt,
    ownMs() {
      withheld.stop();
      const now = performance.now();
      return now - startedAt - withheld.between(startedAt, now);
    },
  };
}

export function watchWithheldTime(): Withheld {
  const stalls: { readonly from: number; readonly to: number }[] = [];
  let lastAt = performance.now();
  let lastCpuMs = cpuMs();
  const tick = (): void => {
    const now = performance.now();
    const usedMs = cpuMs();
    const withheldMs = now - lastAt - 2 * TICK_MS - (usedMs - lastCpuMs);
    if (withheldMs > 0) stalls.push({ from: now - withheldMs, to: now });
    lastAt = now;
    lastCpuMs = usedMs;
  };
  const timer = setInterval(tick, TICK_MS).unref();
  return {
    between(from, to) {
      const shares = stalls.map((stall) => Math.min(to, stall.to) - Math.max(from, stall.from));
      return shares.filter((share) => share > 0).reduce((sum, share) => sum + share, 0);
    },
    stop() {
      clearInterval(timer);
      tick();
    },
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
