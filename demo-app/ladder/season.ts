const JULY = 7;

/** The season a day belongs to, such as `2015-16`: it starts in July and ends in the next June. */
export function seasonOf(date: string): string {
  const year = Number(date.slice(0, 4));
  const start = Number(date.slice(5, 7)) >= JULY ? year : year - 1;
  return `${start}-${String((start + 1) % 100).padStart(2, "0")}`;
}
