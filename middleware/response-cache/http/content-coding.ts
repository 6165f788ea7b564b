import { trimBlanks } from "./blanks.ts";

export type ContentCoding = "identity" | "gzip" | "br";

/** Where a client likes several as much: the shortest first. */
const BY_SIZE = ["br", "gzip", "identity"] as const;

const MEMBER = /^([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*;[ \t]*q=(.*))?$/i;
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;
/** What is not named is acceptable (RFC 9110 §12.5.3), but a coding that is named was meant. */
const UNNAMED_IDENTITY = 0.0001;

/**
 * The coding of those that are available that a client likes best (RFC 9110 §12.5.3), br before gzip before identity
 * where it likes them as much. Without an Accept-Encoding that is identity, which every client reads. Undefined where the client refuses
 * them all: answer 406, or send identity all the same.
 *
 * A member that cannot be read accepts nothing; one with an invalid weight refuses its coding.
 */
export function negotiate(
  acceptEncoding: string | undefined,
  available: readonly ContentCoding[],
): ContentCoding | undefined {
  if (acceptEncoding === undefined && available.includes("identity")) return "identity";
  const weights = acceptEncoding === undefined ? new Map([["*", 1]]) : weightsOf(acceptEncoding);
  let best: ContentCoding | undefined;
  let most = 0;
  for (const coding of BY_SIZE) {
    const unnamed = weights.get("*") ?? (coding === "identity" ? UNNAMED_IDENTITY : 0);
    const weight = available.includes(coding) ? (weights.get(coding) ?? unnamed) : 0;
    if (weight > most) [best, most] = [coding, weight];
  }
  return best;
}

function weightsOf(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const text of acceptEncoding.split(",")) {
    const [, name, q] = MEMBER.exec(trimBlanks(text)) ?? [];
    if (name === undefined) continue;
    // RFC 9110 §8.4.1.3: x-gzip is gzip.
    const coding = name.toLowerCase().replace(/^x-gzip$/, "gzip");
    const weight = q === undefined ? 1 : WEIGHT.test(q) ? Number(q) : 0;
    weights.set(coding, Math.min(weight, weights.get(coding) ?? 1));
  }
  return weights;
}
