import type { Captured } from "../response/capture.ts";
import type { HeaderList, TakenHead } from "../response/head-copy.ts";
import { parseAge, type StoredTimes } from "./http/age.ts";
import { mergeNotModified } from "./http/conditional.ts";
import { fieldsOf, type FieldList, type Fields } from "./http/fields.ts";
import { directivesFor, lifetimeOf, type Lifetime } from "./http/freshness.ts";
import { parseHttpDate } from "./http/http-date.ts";
import { keptFields } from "./http/kept-fields.ts";
import { isForAuthorized, storability, type Refusal, type StorabilityOptions } from "./http/storable.ts";
import { varyNames } from "./http/vary.ts";
import { pairsOf } from "./send-stored.ts";
import type { StoredResponse } from "./stored-response.ts";

/** A stale response is kept to be confirmed, or to stand for an origin that is away: as long again as it was fresh. */
const LEAST_STALE_MS = 30_000;
const MOST_STALE_MS = 600_000;

/** A response that may be kept, or why not. */
export type Keepable =
  | { readonly response: StoredResponse; readonly names: readonly string[]; readonly ttlMs: number }
  | { readonly refusal: Refused };

/** `session`: it is one person's. `variants`: the key has as many as it may have. */
export type Refused = Refusal | "session" | "variants";

export interface KeepingRules extends StorabilityOptions {
  readonly setCookie: "refuse" | "strip" | "store";
}

interface Origin {
  readonly method: string;
  readonly request: Fields;
  readonly requestedAt: number;
  readonly respondedAt: number;
  readonly tags: readonly string[];
  readonly stamps: readonly string[];
}

/** What is kept of a response that went out whole. All its fields decide whether it may be, whoever set them. */
export function keepable(captured: Captured, origin: Origin, rules: KeepingRules): Keepable {
  const sent = fieldsOf(captured.sentHeaders);
  const refusal = refusalOf({ status: captured.status, headers: captured.sentHeaders }, origin, rules);
  if (refusal) return { refusal };
  const date = sent("date");
  const own = keptFields(captured.headers, rules.setCookie).filter(([name]) => name !== "date");
  const list: FieldList = date === undefined ? own : [...own, ["date", date]];
  return madeOf({ status: captured.status, list, sent, body: captured.body }, origin, rules);
}

/** A stored response after a 304 has confirmed it (RFC 9111 §4.3.4). */
export function confirmed(
  stored: StoredResponse,
  { headers }: Pick<TakenHead, "headers">,
  origin: Origin,
  rules: KeepingRules,
): Keepable {
  const { status, body } = stored;
  // Node would add it as the 304 goes out, which this one does not.
  const isDated = headers.some(([name]) => name === "date");
  const date = ["date", new Date(origin.respondedAt).toUTCString()] as const;
  const list = mergeNotModified(
    pairsOf(stored.headers),
    isDated ? headers : [...headers, date],
    rules.setCookie,
  );
  const sent = fieldsOf(list);
  const refusal = refusalOf({ status, headers: list }, origin, rules);
  return refusal ? { refusal } : madeOf({ status, list, sent, body }, origin, rules);
}

/** Why a response may not be kept; undefined for one that may. */
export function refusalOf(
  { status, headers }: { status: number; headers: HeaderList | FieldList },
  { method, request, respondedAt }: Pick<Origin, "method" | "request" | "respondedAt">,
  rules: KeepingRules,
): Refusal | undefined {
  const fields = fieldsOf(headers);
  const verdict = storability({ method, fields: request }, { status, fields, respondedAt }, rules);
  return verdict.store ? undefined : verdict.reason;
}

function madeOf(
  { status, list, sent, body }: { status: number; list: FieldList; sent: Fields; body: Buffer },
  { requestedAt, respondedAt, tags, stamps }: Origin,
  rules: KeepingRules,
): Keepable {
  const lifetime = lifetimeOf({ status, fields: sent, respondedAt }, rules);
  const names = varyNames(sent("vary"));
  const { directives } = directivesFor(sent, rules.targets);
  const response: StoredResponse = {
    status,
    headers: list.flatMap(([name, value]) =>
      typeof value === "string" ? [name, value] : value.flatMap((line) => [name, line]),
    ),
    times: timesOf(sent, { requestedAt, respondedAt }),
    lifetime,
    isForAuthorized: isForAuthorized(directives),
    tags,
    stamps,
    body,
  };
  return { response, names: names === "*" ? [] : names, ttlMs: keepingTime(lifetime) };
}

function timesOf(
  fields: Fields,
  { requestedAt, respondedAt }: Pick<Origin, "requestedAt" | "respondedAt">,
): StoredTimes {
  return {
    requestedAt,
    respondedAt,
    dateMs: parseHttpDate(fields("date"), respondedAt),
    ageSeconds: parseAge(fields("age")) ?? 0,
  };
}

function keepingTime({ ms, staleWhileRevalidateMs, staleIfErrorMs }: Lifetime): number {
  // One that must be asked about each time is never fresh.
  const staleMs = ms === 0 ? MOST_STALE_MS : Math.min(MOST_STALE_MS, Math.max(LEAST_STALE_MS, ms));
  return Math.ceil(ms + Math.max(staleWhileRevalidateMs, staleIfErrorMs, staleMs));
}
