/** Where a Redis is, as read from a URL. Ports, database and names are defaulted; credentials are decoded. */
export interface RedisAddress {
  readonly topology: "standalone" | "cluster" | "sentinel";
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  /** The master's name as the sentinels know it; sentinel only. */
  readonly masterName?: string;
}

const SCHEMES: Record<string, Pick<RedisAddress, "topology" | "tls">> = {
  redis: { topology: "standalone", tls: false },
  rediss: { topology: "standalone", tls: true },
  "redis+cluster": { topology: "cluster", tls: false },
  "rediss+cluster": { topology: "cluster", tls: true },
  "redis+sentinel": { topology: "sentinel", tls: false },
  "rediss+sentinel": { topology: "sentinel", tls: true },
};

const ENCODED = '"/", "@" and ":" in credentials are percent-encoded';
const SHAPE = /^([a-z+]+):\/\/(?:([^@/]*)@)?([^@/?#]*)(\/[^?#@]*)?$/;

/**
 * Reads a Redis URL:
 * `redis[s]://[user:password@]host[:port][/db]`,
 * `redis[s]+cluster://[user:password@]host:port,host:port`,
 * `redis[s]+sentinel://[user:password@]host:port,host:port/master[/db]` (credentials are the master's).
 *
 * The WHATWG parser refuses several hosts in one URL, hence a reader of our own.
 * Throws a TypeError that names the part at fault and never repeats the URL, which may hold a password.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme = "", userInfo, hostList = "", path = ""] = SHAPE.exec(url) ?? [];
  const kind = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (!kind) throw malformed(url);
  const hosts = hostList.split(",").map((entry) => parseHost(entry, kind.topology));
  if (kind.topology === "standalone" && hosts.length > 1) {
    throw new TypeError("Redis URL: several hosts need the scheme redis+cluster or redis+sentinel");
  }
  const segments = path.split("/").filter((segment) => segment !== "");
  const masterName = kind.topology === "sentinel" ? segments.shift() : undefined;
  if (kind.topology === "sentinel" && !masterName) {
    throw new TypeError("Redis URL: redis+sentinel needs the master's name after the hosts: …/mymaster");
  }
  return {
    ...kind,
    hosts,
    ...parseUserInfo(userInfo),
    db: parseDatabase(segments, kind.topology),
    ...(masterName ? { masterName: decode(masterName, "master's name") } : {}),
  };
}

function malformed(url: string): TypeError {
  const given = /^[a-z+-]+(?=:\/\/)/i.exec(url)?.[0] ?? "none";
  if (!Object.hasOwn(SCHEMES, given)) {
    const meant = given.replace("-", "+");
    const advice =
      given === "none"
        ? '; write "redis://host:port"'
        : Object.hasOwn(SCHEMES, meant)
          ? `; write "${meant}"`
          : "";
    return new TypeError(
      `Redis URL: scheme "${given}" is none of ${Object.keys(SCHEMES).join(", ")}${advice}`,
    );
  }
  return new TypeError(
    (url.match(/@/g) ?? []).length > 1
      ? 'Redis URL: there is more than one "@"; in a password it is percent-encoded as %40'
      : `Redis URL: what follows the scheme is malformed (${ENCODED})`,
  );
}

function parseHost(entry: string, topology: RedisAddress["topology"]): { host: string; port: number } {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? plain;
  const port = portText === undefined ? (topology === "sentinel" ? 26_379 : 6379) : Number(portText);
  if (host === undefined || port < 1 || port > 65_535) {
    // Not repeated: with an unencoded "/" in a password, what stands here is a part of it.
    throw new TypeError(`Redis URL: a host is not host[:port] (${ENCODED})`);
  }
  return { host, port };
}

function parseUserInfo(userInfo: string | undefined): Pick<RedisAddress, "username" | "password"> {
  if (!userInfo) return {};
  const colon = userInfo.indexOf(":");
  // redis-cli's habit: a lone user part before "@" is the password of the default user.
  const [username, password] =
    colon === -1 ? ["", userInfo] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
  return {
    ...(username ? { username: decode(username, "user name") } : {}),
    ...(password ? { password: decode(password, "password") } : {}),
  };
}

function decode(text: string, part: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(`Redis URL: the ${part} is not percent-encoded UTF-8`);
  }
}

function parseDatabase(segments: readonly string[], topology: RedisAddress["topology"]): number {
  const [text, ...rest] = segments;
  if (text === undefined) return 0;
  if (rest.length > 0 || !/^\d{1,5}$/.test(text)) {
    throw new TypeError("Redis URL: the path is no database number");
  }
  if (topology === "cluster" && text !== "0") {
    throw new TypeError("Redis URL: a cluster has only database 0");
  }
  return Number(text);
}
