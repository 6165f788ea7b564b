import type { Captured } from "../response/capture.ts";
import type { TakenHead } from "../response/head-copy.ts";
import { parseAge, type StoredTimes } from "./http/age.ts";
import { isCompressible } from "./http/compressible.ts";
import { mergeNotModified } from "./http/conditional.ts";
import { fieldsOf, type FieldList, type Fields } from "./http/fields.ts";
import { directivesFor, lifetimeOf, type Lifetime } from "./http/freshness.ts";
import { parseHttpDate } from "./http/http-date.ts";
import { keptFields } from "./http/kept-fields.ts";
import { isForAuthorized, storability, type Refusal, type StorabilityOptions } from "./http/storable.ts";
import { addToVary, varyNames } from "./http/vary.ts";
import type { InsideRules } from "./request-inside.ts";
import { fieldLines, type StoredResponse } from "./stored-response.ts";
import { twinsOf } from "./twins.ts";

/** A stale response is kept to be confirmed, or to stand for an origin that is away: as long again as it was fresh. */
const LEAST_STALE_MS = 30_000;
const MOST_STALE_MS = 600_000;

/** A response that may be kept, or why not. */
export type Keepable =
  | { readonly response: StoredResponse; readonly names: readonly string[]; readonly ttlMs: number }
  | { readonly refusal: Refused };

/** `session`: it is one person's. `variants`: the key has as many as it may have. */
export type Refused = Refusal | "session" | "variants";

export interface KeepingRules extends StorabilityOptions, InsideRules {
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
export async function keepable(
  { status, headers, sentHeaders, body }: Captured,
  origin: Origin,
  rules: KeepingRules,
): Promise<Keepable> {
  const sent = fieldsOf(sentHeaders);
  const refusal = refusalOf({ status, fields: sent }, origin, rules);
  if (refusal) return { refusal };
  const list: FieldList = [
    ...keptFields(headers, rules.setCookie).filter(([name]) => name !== "date"),
    ...fieldIn("date", sent),
  ];
  const twins = rules.compress && isCompressible(sent) ? await twinsOf(body) : [];
  return madeOf({ status, list, sent, body, twins }, origin, rules);
}

function fieldIn(name: string, fields: Fields): FieldList {
  const value = fields(name);
  return value === undefined ? [] : [[name, value]];
}

/** The request fields that a cache's own doing makes a response vary with. */
export function ownVary(fields: Fields, { compress, isolate = [] }: InsideRules): readonly string[] {
  return compress && isCompressible(fields) ? ["accept-encoding", ...isolate] : isolate;
}

/** A stored response after a 304 has confirmed it (RFC 9111 §4.3.4). */
export function confirmed(
  stored: StoredResponse,
  { headers }: Pick<TakenHead, "headers">,
  origin: Origin,
  rules: KeepingRules,
): Keepable {
  const { status, body, twins } = stored;
  // Node would add it as the 304 goes out, which this one does not.
  const isDated = headers.some(([name]) => name === "date");
  const date = ["date", new Date(origin.respondedAt).toUTCString()] as const;
  const list = mergeNotModified(
    fieldLines(stored.headers),
    isDated ? headers : [...headers, date],
    rules.setCookie,
  );
  // Not kept, but what confirms it may be a cache that was not asked itself (RFC 9111 §4.2.3).
  const sent = fieldsOf([...list, ...headers.filter(([name]) => name === "age")]);
  const refusal = refusalOf({ status, fields: sent }, origin, rules);
  if (refusal) return { refusal };
  // The 304 may have brought a `no-transform`.
  return madeOf({ status, list, sent, body, twins: isCompressible(sent) ? twins : [] }, origin, rules);
}

/** Why a response may not be kept; undefined for one that may. */
export function refusalOf(
  { status, fields }: { status: number; fields: Fields },
  { method, request, respondedAt }: Pick<Origin, "method" | "request" | "respondedAt">,
  rules: KeepingRules,
): Refusal | undefined {
  const verdict = storability({ method, fields: request }, { status, fields, respondedAt }, rules);
  return verdict.store ? undefined : verdict.reason;
}

interface Parts {
  readonly list: FieldList;
  readonly sent: Fields;
}

function madeOf(
  { status, list, sent, body, twins }: Pick<StoredResponse, "status" | "body" | "twins"> & Parts,
  { requestedAt, respondedAt, tags, stamps }: Origin,
  rules: KeepingRules,
): Keepable {
  const lifetime = lifetimeOf({ status, fields: sent, respondedAt }, rules);
  const vary = addToVary(sent("vary"), ownVary(sent, rules));
  const varying = varyNames(vary);
  // Hidden from the handler, it can only be what the cache itself chooses by.
  const names =
    varying === "*" ? [] : varying.filter((name) => !rules.compress || name !== "accept-encoding");
  const kept: FieldList = [...list.filter(([name]) => name !== "vary"), ...fieldIn("vary", () => vary)];
  const { directives } = directivesFor(sent, rules.targets);
  const response: StoredResponse = {
    status,
    headers: kept.flatMap(([name, value]) =>
      typeof value === "string" ? [name, value] : value.flatMap((line) => [name, line]),
    ),
    times: timesOf(sent, { requestedAt, respondedAt }),
    lifetime,
    isForAuthorized: isForAuthorized(directives),
    tags,
    stamps,
    body,
    twins,
  };
  return { response, names, ttlMs: keepingTime(lifetime) };
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
