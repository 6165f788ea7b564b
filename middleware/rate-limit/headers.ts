import { createHmac } from "node:crypto";
import type { Response } from "express";
import { assertOptionNames } from "../../stores/options.ts";
import type {
  PolicySet,
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitPolicyState,
} from "../../stores/rate-limit/contract.ts";

/** What a header writer tells the client. */
export interface Limit {
  /** The limiter's policies, in `list`, in the order of the decision's. */
  readonly policies: PolicySet;
  readonly decision: RateLimitDecision;
  readonly key: string;
}

/**
 * Writes one dialect of rate-limit fields. A limiter uses any number of them. A writer adds to what another limiter
 * wrote on the same response, and never replaces it by something laxer.
 */
export type HeaderWriter = (res: Response, limit: Limit) => void;

export interface IetfHeadersOptions {
  /**
   * Adds `pk`, which tells a client which of its partitions a quota belongs to: the key's HMAC-SHA-256 under this
   * secret, first 12 bytes. A plain hash of an address could be found by trying them all, hence no empty secret.
   * Default: no `pk`.
   */
  readonly partitionSecret?: string;
}

/**
 * `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers, in the syntax of revisions 8 to 11: Lists
 * of Strings with parameters (RFC 9651). `t` is the effective window: the time within which no more than `r` may be
 * used. A `concurrency` policy has the unit `concurrent-requests`, and neither window nor time.
 */
export function ietfHeaders(options: IetfHeadersOptions = {}): HeaderWriter {
  assertOptionNames("ietfHeaders", options, ["partitionSecret"]);
  const { partitionSecret } = options;
  if (partitionSecret !== undefined && (typeof partitionSecret !== "string" || partitionSecret === "")) {
    throw new TypeError("ietfHeaders: partitionSecret must be a string that is not empty");
  }
  const partition = (key: string): string => {
    if (partitionSecret === undefined) return "";
    return `;pk=:${createHmac("sha256", partitionSecret).update(key).digest().subarray(0, 12).toString("base64")}:`;
  };
  // Without a partition a remembered refusal, which comes by as one object for a while, has one field for all.
  const remembered = new WeakMap<RateLimitDecision, string>();
  const limitField = ({ policies, decision }: Limit, pk: string): string => {
    const isRemembered = pk === "" && decision.source === "deny-memory";
    const known = isRemembered ? remembered.get(decision) : undefined;
    if (known !== undefined) return known;
    const { names } = policies.made(policyItems);
    const field = decision.policies
      .map((state, at) => limitItem(names[at] ?? sfString(state.name), state, policies.list[at]) + pk)
      .join(", ");
    if (isRemembered) remembered.set(decision, field);
    return field;
  };
  return function writeIetfHeaders(res, limit) {
    const { policies, key } = limit;
    const { field } = policies.made(policyItems);
    const pk = partition(key);
    addToList(
      res,
      "RateLimit-Policy",
      pk === "" ? field : policies.list.map((policy) => policyItem(policy) + pk).join(", "),
    );
    addToList(res, "RateLimit", limitField(limit, pk));
  };
}

/** `RateLimit-Limit`, `-Remaining` and `-Reset` (seconds from now) of the draft's revision 6. */
export function draft6Headers(): HeaderWriter {
  return tightest("RateLimit", (resetAfterMs) => seconds(resetAfterMs));
}

/** `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since the epoch, as GitHub and others send it). */
export function legacyHeaders(): HeaderWriter {
  return tightest("X-RateLimit", (resetAfterMs) => seconds(Date.now() + resetAfterMs));
}

/** Whole seconds, rounded up: a client that waits this long is never early. */
export function seconds(durationMs: number): number {
  return Math.ceil(durationMs / 1000);
}

/**
 * These fields have room for one policy: the one with the least left of all limiters on the response, and of those with
 * as little left the one that is reset last.
 */
function tightest(prefix: string, resetOf: (resetAfterMs: number) => number): HeaderWriter {
  return function writeTightestPolicy(res, { policies, decision }) {
    const written = Number(res.getHeader(`${prefix}-Remaining`) ?? Infinity);
    const writtenReset = Number(res.getHeader(`${prefix}-Reset`) ?? 0);
    const [least] = decision.policies.toSorted(
      (a, b) => a.remaining - b.remaining || b.resetAfterMs - a.resetAfterMs,
    );
    if (!least) return;
    const { name, remaining } = least;
    const reset = resetOf(least.resetAfterMs);
    if (remaining > written || (remaining === written && reset <= writtenReset)) return;
    res.setHeader(`${prefix}-Limit`, policies.list.find((policy) => policy.name === name)?.limit ?? 0);
    res.setHeader(`${prefix}-Remaining`, remaining);
    res.setHeader(`${prefix}-Reset`, reset);
  };
}

function policyItem({ name, algorithm, limit, windowMs }: RateLimitPolicy): string {
  if (algorithm === "concurrency") return `${sfString(name)};q=${limit};qu="concurrent-requests"`;
  return `${sfString(name)};q=${sfInteger(limit)};w=${sfInteger(seconds(windowMs))}`;
}

/** The same from request to request, and escaping a name costs more than the rest of its item. */
function policyItems({ list }: PolicySet): { names: readonly string[]; field: string } {
  return { names: list.map(({ name }) => sfString(name)), field: list.map(policyItem).join(", ") };
}

function limitItem(
  name: string,
  { remaining, moreAfterMs, retryAfterMs }: RateLimitPolicyState,
  policy?: RateLimitPolicy,
): string {
  const item = `${name};r=${sfInteger(remaining)}`;
  if (policy?.algorithm === "concurrency") return item;
  // For a refused cost above 1 the next unit comes before the cost fits; the wait that counts is the longer one.
  const waitMs = Math.max(moreAfterMs, Number.isFinite(retryAfterMs) ? retryAfterMs : 0);
  return `${item};t=${sfInteger(seconds(waitMs))}`;
}

function addToList(res: Response, field: string, items: string): void {
  const known = res.getHeader(field);
  res.setHeader(field, known === undefined ? items : `${String(known)}, ${items}`);
}

/** RFC 9651 §3.3.1: 15 digits at most. */
function sfInteger(value: number): number {
  return Math.min(value, 999_999_999_999_999);
}

/** RFC 9651 §3.3.3: printable ASCII only, `"` and `\` escaped; anything else becomes `?`. */
function sfString(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, String.raw`\$&`)}"`;
}
