/** Why a request went on to the handler (RFC 9211 §2.2). */
export type ForwardReason =
  | "bypass"
  | "method"
  | "uri-miss"
  | "vary-miss"
  | "miss"
  | "request"
  | "stale"
  | "partial";

/** What one cache did with one request. A hit was not forwarded, so it is one or the other (RFC 9211 §2.1). */
export type CacheStatusMember =
  | (MemberDetails & { readonly hit: true })
  | (MemberDetails & {
      readonly fwd: ForwardReason;
      readonly fwdStatus?: number | undefined;
      readonly stored?: boolean | undefined;
      readonly collapsed?: boolean | undefined;
    });

interface MemberDetails {
  /** Seconds that the response remains fresh; negative when it is stale. */
  readonly ttl?: number | undefined;
  /** Tells everybody what responses are told apart by: for finding faults only. */
  readonly key?: string | undefined;
  readonly detail?: string | undefined;
}

const TOKEN = /^[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*$/;
/** The longest Integer of RFC 9651 §3.3.1. */
const MOST = 999_999_999_999_999;

/** One member of a Cache-Status field, valid whatever the texts are: `cache; hit; ttl=42`. */
export function formatCacheStatus(cache: string, member: CacheStatusMember): string {
  let text = bareItem(cache);
  if ("hit" in member) {
    text += "; hit";
  } else {
    text += `; fwd=${member.fwd}`;
    if (member.fwdStatus !== undefined) text += `; fwd-status=${integer(member.fwdStatus)}`;
    if (member.stored) text += "; stored";
    if (member.collapsed) text += "; collapsed";
  }
  if (member.ttl !== undefined) text += `; ttl=${integer(member.ttl)}`;
  if (member.key !== undefined) text += `; key=${quoted(member.key)}`;
  if (member.detail !== undefined) text += `; detail=${bareItem(member.detail)}`;
  return text;
}

function bareItem(text: string): string {
  return TOKEN.test(text) ? text : quoted(text);
}

/** A String of RFC 9651 §3.3.3 has printable ASCII only. */
function quoted(text: string): string {
  return `"${text.replace(/[^ -~]/gu, "?").replace(/["\\]/g, "\\$&")}"`;
}

function integer(value: number): string {
  const whole = Number.isNaN(value) ? 0 : Math.floor(value);
  return String(Math.max(-MOST, Math.min(MOST, whole)));
}
