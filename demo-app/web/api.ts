import { readCacheUse, readQuotas, type Exchange } from "./exchange.ts";
import type { Problem } from "./problem.ts";

export type Answer<Body> =
  | { readonly ok: true; readonly body: Body; readonly exchange: Exchange }
  | { readonly ok: false; readonly problem: Problem };

/** A POST of JSON, or a DELETE, where it is not a GET. */
export interface Posting {
  readonly post?: unknown;
  readonly method?: "DELETE";
}

export interface Api {
  /** Never rejects: a server that stays silent for long is one that does not answer. */
  ask<Body>(path: string, posting?: Posting): Promise<Answer<Body>>;
  /** Never rejects, and gives the answer out while it comes; reading it rejects once `signal` aborts. */
  open(path: string, signal: AbortSignal): Promise<Answer<ReadableStream<Uint8Array>>>;
}

/** The longest job of the demo takes two seconds. */
const patienceMs = 10_000;

/** `onExchange` hears of each answer, and of each request that got none. */
export function createApi(onExchange: (exchange: Exchange) => void): Api {
  async function answer<Body>(
    path: string,
    init: RequestInit,
    read: (response: Response) => Promise<Body> | Body,
  ): Promise<Answer<Body>> {
    const startedAt = performance.now();
    const told = (status: number, headers: Headers): Exchange => {
      const exchange = exchangeOf(init.method ?? "GET", path, { status, headers, startedAt });
      onExchange(exchange);
      return exchange;
    };
    let response: Response;
    try {
      // The page shows what the server's cache does, so the browser's own must not answer first.
      response = await fetch(path, { ...init, cache: "no-store" });
    } catch {
      told(0, new Headers());
      return { ok: false, problem: silence };
    }
    const exchange = told(response.status, response.headers);
    if (!response.ok) return { ok: false, problem: await readProblem(response) };
    try {
      return { ok: true, body: await read(response), exchange };
    } catch {
      return { ok: false, problem: silence };
    }
  }

  return {
    ask: <Body>(path: string, posting: Posting = {}) =>
      answer(path, requestOf(posting), async (response) => {
        const body: Body = response.status === 204 ? undefined : await response.json();
        return body;
      }),
    open: (path, signal) => answer(path, { signal }, (response) => response.body ?? new ReadableStream()),
  };
}

const silence: Problem = {
  status: 0,
  title: "The server does not answer.",
  detail: "Is the demo still running?",
};

function requestOf({ post, method }: Posting): RequestInit {
  const signal = AbortSignal.timeout(patienceMs);
  if (post === undefined) return { signal, method: method ?? "GET" };
  return {
    signal,
    method: "POST",
    body: JSON.stringify(post),
    headers: { "Content-Type": "application/json" },
  };
}

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly startedAt: number;
}

function exchangeOf(method: string, path: string, { status, headers, startedAt }: Told): Exchange {
  const cache = readCacheUse(headers);
  return {
    method,
    // Of what a query asks, and of a session's id, nothing is shown.
    path: path.replace(/\?.*|(?<=^\/sessions)\/.*/, ""),
    status,
    durationMs: performance.now() - startedAt,
    quotas: readQuotas(headers),
    ...(cache && { cache }),
  };
}

async function readProblem(response: Response): Promise<Problem> {
  const body: { title?: string; detail?: string } = await response.json().catch(() => ({}));
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  return {
    status: response.status,
    title: body.title ?? `The server answered ${response.status}.`,
    detail: body.detail ?? "",
    ...(Number.isFinite(retryAfterS) && { retryAfterS }),
  };
}
