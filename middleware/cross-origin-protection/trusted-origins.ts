const WEB_SCHEME = /^https?:/i;
/** Applications in a shell send schemes of their own, `capacitor://localhost`, which `URL` gives no origin. */
const OTHER_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+$/;

/**
 * The origins as a set, each checked to be written exactly as browsers write it: one that is not would never match.
 *
 * @throws TypeError that names the entry and, where there is one, the right way to write it
 */
export function trustedOriginSet(origins: readonly string[]): ReadonlySet<string> {
  if (!Array.isArray(origins)) {
    throw new TypeError("crossOriginProtection: trustedOrigins must be an array of origins");
  }
  for (const origin of origins as readonly unknown[]) assertOrigin(origin);
  return new Set(origins);
}

function assertOrigin(origin: unknown): void {
  const what = `crossOriginProtection: trustedOrigins must hold origins such as "https://admin.example.com"`;
  if (typeof origin !== "string") throw new TypeError(`${what}, not ${typeof origin}`);
  if (origin.includes("*"))
    throw new TypeError(`${what}, not "${origin}"; a wildcard matches nothing, list each`);
  if (!WEB_SCHEME.test(origin)) {
    // "null" is every sandbox, every file and every redirect at once.
    if (OTHER_ORIGIN.test(origin)) return;
    throw new TypeError(`${what}, not "${origin}"`);
  }
  const written = originOf(origin);
  if (written === origin) return;
  throw new TypeError(`${what}, not "${origin}"${written === undefined ? "" : `; write "${written}"`}`);
}

/** The origin of a URL as browsers write it: lower case, without the scheme's usual port. Undefined for no URL. */
export function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}
