/** Rows as an API sends them; about this many bytes as JSON. */
export function rowsOf(bytes: number): object[] {
  const rows: object[] = [];
  for (let size = 2; size < bytes; size += JSON.stringify(rows.at(-1)).length + 1) {
    const place = rows.length + 1;
    rows.push({ place, player: `player-${place}`, score: 10_000 - place * 3, country: "DE" });
  }
  return rows;
}

export const SIZES = { "2 KB": 2_000, "50 KB": 50_000 } as const;
export type Size = keyof typeof SIZES;
