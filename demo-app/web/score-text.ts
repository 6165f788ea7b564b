/** More than this says nothing, and is wider than the column. */
const decimal = new Intl.NumberFormat("en-GB", {
  maximumFractionDigits: 2,
  maximumSignificantDigits: 8,
  roundingPriority: "lessPrecision",
  signDisplay: "negative",
});
const scientific = new Intl.NumberFormat("en-GB", { notation: "scientific", maximumFractionDigits: 2 });
/** As `1,234` or `1,234,567.5`, which is how the table writes numbers. */
const grouped = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/;

/** A score as the table shows it. Any finite number can be one, such as 1e300 or 1e-9. */
export function scoreText(score: number): string {
  const size = Math.abs(score);
  const format = size >= 1e8 || (size > 0 && size < 0.01) ? scientific : decimal;
  return format.format(score).replaceAll("-", "−");
}

/** The number that a reader typed; commas may group, or one may be the decimal point. NaN for anything else. */
export function scoreOf(typed: string): number {
  const text = typed.trim().replace("−", "-");
  if (text === "") return Number.NaN;
  return Number(grouped.test(text) ? text.replaceAll(",", "") : text.replace(",", "."));
}
