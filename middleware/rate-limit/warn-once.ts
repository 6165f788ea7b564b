const warned = new Set<string>();

/** Warns through Node's own channel (`process.on("warning")`), once a code and process; `docs/rate-limit.md` lists them. */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: "RateLimitWarning", code });
}
