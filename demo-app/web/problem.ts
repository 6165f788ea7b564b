/** A refusal: the server's RFC 9457 problem, or `status` 0 when no server answered. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly retryAfterS?: number;
}

/** Whether the same request may succeed a little later. */
export function mayPass({ status }: Problem): boolean {
  return status === 0 || status === 429 || status >= 500;
}

/** Seconds to wait before the next try, also where the server does not say how long. */
export function patienceOf({ retryAfterS = 3 }: Problem): number {
  return Math.max(1, retryAfterS);
}

/** A refusal in one line, with when to come back where the server says so. */
export function sentence({ status, title, detail, retryAfterS }: Problem): string {
  // A server's detail says all that its title does; without a server the title is what happened.
  const said = status === 0 ? `${title} ${detail}`.trim() : detail || title;
  const text = /[.?!]$/.test(said) ? said : `${said}.`;
  const says = /\bagain in \d/i.test(text);
  return retryAfterS === undefined || says ? text : `${text} Try again in ${retryAfterS} s.`;
}
