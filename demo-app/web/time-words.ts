const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A moment in the reader's own zone and manner: the hour alone for today. */
export function dayAndTime(iso: string, now: Date = new Date()): string {
  const moment = new Date(iso);
  const time = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (moment.toDateString() === now.toDateString()) return `today at ${time}`;
  return `on ${moment.toLocaleDateString("en-GB", { day: "numeric", month: "long" })} at ${time}`;
}

export function timeSince(iso: string, now: number = Date.now()): string {
  const passedMs = now - Date.parse(iso);
  return passedMs < 2 * minuteMs ? "just now" : `${span(passedMs)} ago`;
}

export function timeLeft(iso: string, now: number = Date.now()): string {
  return span(Math.max(minuteMs, Date.parse(iso) - now));
}

/** In the largest unit of which there are two at least. */
function span(ms: number): string {
  if (ms >= 2 * dayMs) return `${Math.floor(ms / dayMs)} days`;
  if (ms >= 2 * hourMs) return `${Math.floor(ms / hourMs)} hours`;
  const minutes = Math.floor(ms / minuteMs);
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}
