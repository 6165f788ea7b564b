/** What the middlewares told about one request, read from the headers of its answer. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** 0 when no answer came. */
  readonly status: number;
  readonly durationMs: number;
  readonly cache?: CacheUse;
  readonly quotas: readonly Quota[];
}

export interface CacheUse {
  /** `hit` and `stale` came from the cache; `miss`, `bypass` and all else from the handler. */
  readonly outcome: string;
  /** Seconds for which the cached response stays fresh. */
  readonly ttlS?: number;
  /** Seconds since it was made. */
  readonly ageS?: number;
}

export interface Quota {
  readonly policy: string;
  readonly limit: number;
  readonly remaining: number;
  readonly windowS: number;
}

/** Reads the `Cache-Status` header (RFC 9211) of the cache nearest to this client, which is the last of the list. */
export function readCacheUse(headers: Headers): CacheUse | undefined {
  const nearest = headers.get("cache-status")?.split(",").at(-1);
  if (nearest === undefined) return undefined;
  const parameters = nearest.split(";").map((parameter) => parameter.trim());
  const valueOf = (name: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  const ttl = Number(valueOf("ttl"));
  const age = Number(headers.get("age") ?? Number.NaN);
  const forward = valueOf("fwd")?.replace(/^(?:uri|vary)-miss$/, "miss");
  return {
    outcome: parameters.includes("hit") ? (ttl < 0 ? "stale" : "hit") : (forward ?? "unknown"),
    ...(Number.isFinite(ttl) && { ttlS: ttl }),
    ...(Number.isFinite(age) && { ageS: age }),
  };
}

/** Joins `RateLimit-Policy` and `RateLimit` by policy name; a policy without both halves is left out. */
export function readQuotas(headers: Headers): Quota[] {
  const left = readItems(headers.get("ratelimit"));
  return [...readItems(headers.get("ratelimit-policy"))].flatMap(([policy, rule]) => {
    const limit = rule.get("q");
    const remaining = left.get(policy)?.get("r");
    if (limit === undefined || remaining === undefined) return [];
    return [{ policy, limit, remaining, windowS: rule.get("w") ?? 0 }];
  });
}

/** A List (RFC 9651) such as `"burst";q=20;w=1, "hourly";q=1000;w=3600`, with its whole-number parameters. */
function readItems(header: string | null): Map<string, Map<string, number>> {
  const items = new Map<string, Map<string, number>>();
  for (const [, name = "", parameters = ""] of (header ?? "").matchAll(
    /"((?:[^"\\]|\\.)*)"((?:\s*;[^,;]*)*)/g,
  )) {
    const pairs = [...parameters.matchAll(/;\s*([a-z]+)=(\d+)/g)];
    items.set(
      name.replaceAll(/\\(.)/g, "$1"),
      new Map(pairs.map(([, key = "", value = ""]) => [key, Number(value)])),
    );
  }
  return items;
}
