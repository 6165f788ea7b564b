const warned = new Set<string>();

/**
 * Warns through Node's own channel (`process.on("warning")`), once per process for each code, or for each cause of a
 * code where there are several. `docs/warnings.md` lists the codes.
 */
export function warnOnce(code: string, message: string, cause = ""): void {
  const id = `${code} ${cause}`;
  if (warned.has(id)) return;
  warned.add(id);
  process.emitWarning(message, { type: "ExpressRedisSuiteWarning", code });
}
