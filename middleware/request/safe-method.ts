const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Whether requests of a method change nothing (RFC 9110 §9.2.1). Those of one that is not known may change anything. */
export function isSafeMethod(method: string): boolean {
  return SAFE.has(method);
}
