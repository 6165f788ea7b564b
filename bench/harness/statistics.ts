/** Medians tell what is usual, minima what a machine with nothing else to do would show. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  /** From the least to the most, as a share of the median. */
  readonly spread: number;
}

export function summarize(values: readonly number[]): Summary {
  const middle = median(values);
  const min = Math.min(...values);
  return { median: middle, min, spread: (Math.max(...values) - min) / middle };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = sorted.length / 2;
  const high = sorted[Math.floor(at)] ?? NaN;
  return Number.isInteger(at) ? ((sorted[at - 1] ?? NaN) + high) / 2 : high;
}
