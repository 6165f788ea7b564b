export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
}

/** A Markdown table that can be read as plain text too; all but the first column are figures. */
export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)));
  const [head = "", ...body] = cells.map((line) => {
    const padded = line.map((text, at) =>
      at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0),
    );
    return `| ${padded.join(" | ")} |`;
  });
  const rule = widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [head, `| ${rule.join(" | ")} |`, ...body].join("\n");
}
