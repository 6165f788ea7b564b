import type { Cluster, Redis } from "ioredis";

/** The sum over all masters of one client, by the field's name in INFO. */
export type RedisInfo = ReadonlyMap<string, number>;

/**
 * Makes the function that asks one client's server, or each master of its Cluster, for one INFO.
 *
 * It settles within `timeoutMs` whatever state the client is in, never rejects, and returns undefined where not
 * every master has replied: a sum over fewer masters would look like counters that went back. An INFO that is still
 * unanswered is waited for again, not sent again, so a frozen server does not gather one with every scrape.
 */
export function infoOf(client: Redis | Cluster, timeoutMs: number): () => Promise<RedisInfo | undefined> {
  let asked: Promise<RedisInfo | undefined> | undefined;
  return async () => {
    // While the connection is down the client might queue the command, or dial on its account.
    if (client.status !== "ready") return undefined;
    asked ??= ask(client).finally(() => {
      asked = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, undefined);
    });
    return Promise.race([asked, tooLate]).finally(() => clearTimeout(timer));
  };
}

async function ask(client: Redis | Cluster): Promise<RedisInfo | undefined> {
  const masters = "nodes" in client ? client.nodes("master") : [client];
  try {
    const replies = await Promise.all(masters.map((master) => master.info()));
    return replies.length === 0 ? undefined : sum(replies.map(parseInfo));
  } catch {
    return undefined;
  }
}

/** Numbers only, plus `keys`, the number of keys in all databases. */
function parseInfo(text: string): RedisInfo {
  const fields = new Map<string, number>([["keys", 0]]);
  for (const [, name = "", value = ""] of text.matchAll(/^(\w+):(.*?)\r?$/gm)) {
    const keys = /^db\d+$/.test(name) ? /^keys=(\d+)/.exec(value)?.[1] : undefined;
    if (keys !== undefined) fields.set("keys", (fields.get("keys") ?? 0) + Number(keys));
    else if (value !== "" && Number.isFinite(Number(value))) fields.set(name, Number(value));
  }
  return fields;
}

function sum(infos: readonly RedisInfo[]): RedisInfo {
  const total = new Map<string, number>();
  for (const info of infos) {
    for (const [name, value] of info) total.set(name, (total.get(name) ?? 0) + value);
  }
  return total;
}
