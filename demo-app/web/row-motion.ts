const calm = matchMedia("(prefers-reduced-motion: reduce)");
const running = new WeakMap<HTMLElement, Animation>();

/**
 * Runs `rearrange` on the table's rows, then lets each travel from where it was seen before to where it belongs now
 * (First, Last, Invert, Play). A row on its way goes on while its place stays the same, and else turns from where it is.
 * Nothing travels for readers who prefer calm.
 */
export function moveRows(table: HTMLTableElement, rearrange: () => void, durationMs: number): void {
  if (calm.matches) {
    rearrange();
    return;
  }
  const rows = [...table.rows];
  const top = table.getBoundingClientRect().top;
  const before = rows.map((row) => ({ seen: row.getBoundingClientRect().top - top, place: row.offsetTop }));
  rearrange();
  // All places are read before the first animation starts: one layout instead of one a row.
  const after = rows.map((row) => (row.isConnected ? row.offsetTop : undefined));
  for (const [index, row] of rows.entries()) {
    const { seen, place } = before[index] ?? { seen: 0, place: 0 };
    const next = after[index];
    if (next === undefined || next === place) continue;
    running.get(row)?.cancel();
    running.set(row, travel(row, seen - next, durationMs));
  }
}

function travel(row: HTMLElement, distance: number, durationMs: number): Animation {
  // A row that rises passes over the ones that sink.
  const zIndex = distance > 0 ? 2 : 1;
  return row.animate(
    [
      { transform: `translateY(${distance}px)`, zIndex },
      { transform: "none", zIndex },
    ],
    { duration: durationMs, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" },
  );
}
