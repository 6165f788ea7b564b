/**
 * Names of the suite's Lua scripts by SHA-1, so that a metric can say `rate-limit.consume` where the
 * wire says `evalsha 3f2c…`. A bounded set: only scripts defined in this process are in it.
 */
const names = new Map<string, string>();

export function registerScriptName(sha: string, name: string): void {
  names.set(sha, name);
}

/** Undefined for a script that is not the suite's. */
export function scriptName(sha: string): string | undefined {
  return names.get(sha);
}
