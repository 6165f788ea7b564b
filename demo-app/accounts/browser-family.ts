/** In the order in which they are looked for: most name others too, whose pages they want to be given. */
const FAMILIES: readonly (readonly [sign: RegExp, family: string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\/|\bOpera\b/, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [sign: RegExp, system: string])[] = [
  [/\b(?:iPhone|iPad|iPod)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMacintosh\b|\bMac OS X\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];
/** What is looked at of a header that may be as long as a client likes. */
const LONGEST_LOOK = 512;

/**
 * What to call the browser that logs in, such as `Firefox on Linux`, so that players tell their sessions apart. Made of
 * the words above alone: nothing that a client sends is kept or shown.
 */
export function browserFamily(userAgent: string | undefined): string {
  const text = (userAgent ?? "").slice(0, LONGEST_LOOK);
  const family = found(FAMILIES, text) ?? (text === "" ? undefined : "Another browser");
  const system = found(SYSTEMS, text);
  if (family === undefined) return "Unknown browser";
  return system === undefined ? family : `${family} on ${system}`;
}

function found(words: readonly (readonly [RegExp, string])[], text: string): string | undefined {
  return words.find(([sign]) => sign.test(text))?.[1];
}
