import { byId, create, setText } from "./elements.ts";
import type { CacheUse, Exchange, Quota } from "./exchange.ts";

export interface Panel {
  /** Puts the request on top of the list, and its quotas in the meters. */
  record(exchange: Exchange): void;
}

const rowsShown = 7;

export function createPanel(): Panel {
  const body = byId("requests", HTMLTableSectionElement);
  const tally = byId("cache-tally", HTMLElement);
  const counts = { hit: 0, asked: 0 };
  body.append(...Array.from({ length: rowsShown }, () => requestRow()));

  return {
    record(exchange) {
      body.prepend(requestRow(exchange));
      body.lastElementChild?.remove();
      if (exchange.quotas.length > 0) showQuotas(exchange.quotas);
      if (exchange.cache) {
        counts.asked += 1;
        if (isFromCache(exchange.cache)) counts.hit += 1;
        setText(tally, `The cache answered ${counts.hit} of ${counts.asked} requests for a table.`);
      }
    },
  };
}

function cell(name: string, text: string): HTMLTableCellElement {
  return create("td", name, text);
}

function requestRow(exchange?: Exchange): HTMLTableRowElement {
  if (!exchange) {
    return create(
      "tr",
      "",
      ...["request", "status", "cache", "left", "time"].map((name) => cell(name, "\u00a0")),
    );
  }
  const { method, path, status, cache, quotas, durationMs } = exchange;
  const row = create(
    "tr",
    "told",
    create("td", "request", create("span", "method", method), ` ${path}`),
    cell("status", status === 0 ? "none" : String(status)),
    cell("cache", cache ? cacheUse(cache) : ""),
    cell("left", scarcest(quotas)),
    cell("time", durationMs < 10 ? durationMs.toFixed(1) : durationMs.toFixed(0)),
  );
  row.dataset["result"] = status === 0 || status >= 500 ? "failed" : status >= 400 ? "refused" : "answered";
  if (cache) row.dataset["cache"] = isFromCache(cache) ? "hit" : "miss";
  return row;
}

function isFromCache({ outcome }: CacheUse): boolean {
  return outcome === "hit" || outcome === "stale";
}

/** `hit 2 s`: what the cache did, and how old what it gave is. */
function cacheUse(cache: CacheUse): string {
  return isFromCache(cache) && cache.ageS !== undefined ? `${cache.outcome} ${cache.ageS} s` : cache.outcome;
}

/** What is left of the policy that will run out first. */
function scarcest(quotas: readonly Quota[]): string {
  const [first] = quotas.toSorted((one, other) => shareLeft(one) - shareLeft(other));
  return first ? String(first.remaining) : "";
}

function shareLeft({ remaining, limit }: Quota): number {
  return limit === 0 ? 0 : remaining / limit;
}

function showQuotas(quotas: readonly Quota[]): void {
  byId("quotas", HTMLElement).replaceChildren(...quotas.map(quotaLine));
}

function quotaLine(quota: Quota): HTMLElement {
  const { policy, limit, remaining, windowS } = quota;
  const meter = create("span", "meter");
  meter.style.setProperty("--share", String(shareLeft(quota)));
  if (shareLeft(quota) < 0.2) meter.dataset["low"] = "true";
  return create(
    "div",
    "quota",
    create("dt", "", policy),
    create("dd", "", create("strong", "", String(remaining)), " left", meter),
    create("dd", "note", `of ${limit} in ${span(windowS)}`),
  );
}

function span(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
