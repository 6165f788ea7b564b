const FIRST_MS = 5;
const LONGEST_MS = 250;

/** Pauses between two looks at what another process does: each longer than the last, and at random, to spread them. */
export function pollPauses(): () => number {
  let longestMs = FIRST_MS;
  return () => {
    const pauseMs = longestMs * (0.5 + Math.random() / 2);
    longestMs = Math.min(longestMs * 1.5, LONGEST_MS);
    return pauseMs;
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
