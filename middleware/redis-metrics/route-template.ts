import type { Request } from "express";

/**
 * Where a request was routed to, as a template: `/teams/:team/players/:id`. Express keeps no such thing. `req.baseUrl`
 * holds the values of a mount path's parameters, in the letter case of the request, and is reset before an error
 * handler further out answers. So the two properties that the router writes are watched while it works.
 */
export interface RouteObservation {
  /** The template of the last route that matched, or `unmatched`. */
  template(): string;
}

interface Mount {
  readonly url: string;
  readonly template: string;
  readonly outer: Mount | undefined;
}

type Params = Readonly<Record<string, unknown>>;

interface RoutePath {
  readonly path: unknown;
}

interface Observed extends RouteObservation {
  baseUrl: string | undefined;
  mount: Mount;
  route: RoutePath | undefined;
  routeMount: Mount;
}

const OBSERVED = Symbol("express-redis-suite.route");

type ObservedRequest = Request & { [OBSERVED]: Observed };

/** One set of accessors for all requests: they find their request by `this`, and V8 shares the object's shape. */
const WATCHED: PropertyDescriptorMap & ThisType<ObservedRequest> = {
  baseUrl: {
    configurable: true,
    enumerable: true,
    get() {
      return this[OBSERVED].baseUrl;
    },
    // The outermost router leaves with the undefined that it found.
    set(url: string | undefined) {
      const observed = this[OBSERVED];
      observed.baseUrl = url;
      observed.mount = mountAt(url ?? "", observed.mount, this.params ?? {});
    },
  },
  route: {
    configurable: true,
    enumerable: true,
    get() {
      return this[OBSERVED].route;
    },
    set(route: RoutePath) {
      const observed = this[OBSERVED];
      observed.route = route;
      observed.routeMount = observed.mount;
    },
  },
};

/** Begins to watch a request's way through the routers; a request that is watched already is not watched twice. */
export function observeRoute(req: Request): RouteObservation {
  const request = req as ObservedRequest;
  if (request[OBSERVED] !== undefined) return request[OBSERVED];
  const mount = mountAt(req.baseUrl, { url: "", template: "", outer: undefined }, req.params);
  const observed: Observed = {
    baseUrl: req.baseUrl,
    mount,
    route: req.route as RoutePath | undefined,
    routeMount: mount,
    template: () =>
      observed.route ? joined(observed.routeMount.template, pathPattern(observed.route.path)) : "unmatched",
  };
  request[OBSERVED] = observed;
  Object.defineProperties(request, WATCHED);
  return observed;
}

/** The router goes in by a longer URL and comes out by one that it had before. */
function mountAt(url: string, from: Mount, params: Params): Mount {
  let outer = from;
  while (outer.outer && !url.startsWith(outer.url)) outer = outer.outer;
  for (let known: Mount | undefined = outer; known; known = known.outer) {
    if (known.url === url) return known;
  }
  return {
    url,
    template: outer.template + mountTemplate(url.slice(outer.url.length), params, outer.template),
    outer,
  };
}

/**
 * Puts the parameters' names back where their values stand, each once and from the right: in `/teams/teams` of
 * `/teams/:id` it is the last segment that was the value. The letter case of the fixed words is the request's own
 * (Express ignores it), so it is dropped. A value that is not found as it is (`router.param` may have replaced it)
 * hides the whole mount path behind the names: a label must never hold what a client chose.
 */
function mountTemplate(path: string, params: Params, outerTemplate: string): string {
  const waiting = Object.entries(params).flatMap(([name, value]) => {
    const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
    return parts.filter((part) => part !== undefined && part !== "").map((text) => ({ name, text }));
  });
  const segments = path
    .split("/")
    .toReversed()
    .map((segment) => {
      const text = decoded(segment);
      const at = waiting.findLastIndex((param) => param.text === text);
      if (at === -1) return segment.toLowerCase();
      return `:${waiting.splice(at, 1)[0]?.name}`;
    });
  // With mergeParams the outer mounts' parameters are here too, and are not lost.
  if (waiting.some(({ name }) => !outerTemplate.includes(`:${name}`))) {
    return Object.keys(params)
      .map((name) => `/:${name}`)
      .join("");
  }
  // A wildcard's segments become one, however many there were.
  return segments
    .toReversed()
    .filter((segment, at, all) => !segment.startsWith(":") || segment !== all[at - 1])
    .join("/");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function pathPattern(path: unknown): string {
  if (Array.isArray(path)) return `(${path.map(pathPattern).join("|")})`;
  return String(path);
}

function joined(mount: string, pattern: string): string {
  if (pattern === "/" || pattern === "") return mount || "/";
  return mount + (/^[/({]/.test(pattern) ? pattern : `/${pattern}`);
}
