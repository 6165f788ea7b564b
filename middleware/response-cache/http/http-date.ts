const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const SHORT_DAY = `(?:${DAYS.map((day) => day.slice(0, 3)).join("|")})`;
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/**
 * The three forms of RFC 9110 §5.6.7 and no other. Their case is free, though the grammar's is not: a cache SHOULD
 * match it case-insensitively (RFC 9111 §4.2). No zone but GMT is valid.
 */
const FORMS = [
  String.raw`${SHORT_DAY}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT`,
  String.raw`(?:${DAYS.join("|")}), (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT`,
  String.raw`${SHORT_DAY} ${MONTH} (?<day>\d\d| \d) ${TIME} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`, "i"));

/**
 * Reads an HTTP-date, milliseconds since the epoch. Undefined for everything else, a list of two dates and a day that is
 * in no calendar included. The name of the day is not compared with the date.
 *
 * @param now decides the century of a year with two digits
 */
export function parseHttpDate(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  for (const form of FORMS) {
    const parts = form.exec(value)?.groups;
    if (parts) return timeOf(parts, now);
  }
  return undefined;
}

function timeOf(parts: Readonly<Record<string, string>>, now: number): number | undefined {
  const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(Number);
  const month = MONTHS.indexOf((parts.month ?? "").toLowerCase());
  // RFC 9110 §5.6.7 allows a leap second.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const at = (year: number): number => {
    const date = new Date(0);
    // Date.UTC takes the years 0 to 99 for the 1900s.
    date.setUTCFullYear(year, month, day);
    // A day that the month does not have is one of another month.
    return date.getUTCMonth() === month
      ? date.setUTCHours(Number(hour), Number(minute), Number(second))
      : Number.NaN;
  };
  const time = parts.year?.length === 2 ? inCentury(Number(parts.year), at, now) : at(Number(parts.year));
  return Number.isNaN(time) ? undefined : time;
}

/** More than 50 years ahead is the last year in the past with the same two digits (RFC 9110 §5.6.7). */
function inCentury(year: number, at: (year: number) => number, now: number): number {
  const today = new Date(now);
  const limit = new Date(now).setUTCFullYear(today.getUTCFullYear() + 50);
  let full = Math.floor(today.getUTCFullYear() / 100) * 100 + 100 + year;
  while (full - today.getUTCFullYear() > 50 || at(full) > limit) full -= 100;
  return at(full);
}
