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

/** A refusal in one line, with when to come back where the server says so. */
export function sentence({ title, detail, retryAfterS }: Problem): string {
  const text = (detail || title).replace(/\.?$/, ".");
  const says = /\bagain in \d/i.test(text);
  return retryAfterS === undefined || says ? text : `${text} Try again in ${retryAfterS} s.`;
}
