/** Checks of option values, the same for every store and middleware. `what` begins the message: `rateLimit: cost`. */

/** The longest delay of a Node timer, about 24.8 days: one set for longer fires at once. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

/** @throws TypeError for anything but a whole number of at least 1 (and at most `most`) */
export function assertCount(value: unknown, what: string, most: number = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most) return;
  const unit = what.endsWith("Ms") ? " of milliseconds" : "";
  const range = most === Number.MAX_SAFE_INTEGER ? "of at least 1" : `from 1 to ${most}`;
  throw new TypeError(`${what} must be a whole number${unit} ${range}, not ${printed(value)}`);
}

/**
 * For durations of timers, which a fraction does no harm to.
 *
 * @throws TypeError for anything but a positive number of milliseconds that a timer can count
 */
export function assertDurationMs(value: unknown, what: string): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new TypeError(`${what} must be a positive number of milliseconds, not ${printed(value)}`);
  }
  if (value > LONGEST_TIMER_MS)
    throw new TypeError(`${what} must be at most ${LONGEST_TIMER_MS} milliseconds`);
}

/** @throws TypeError for anything but a number of milliseconds that a timer can count, or 0 for not at all */
export function assertWaitMs(value: unknown, what: string): void {
  if (typeof value === "number" && value >= 0 && value <= LONGEST_TIMER_MS) return;
  throw new TypeError(
    `${what} must be a number of milliseconds from 0 to ${LONGEST_TIMER_MS}, not ${printed(value)}`,
  );
}

/** @throws TypeError that lists the choices */
export function assertOneOf(value: unknown, what: string, choices: readonly string[]): void {
  if (choices.some((choice) => choice === value)) return;
  throw new TypeError(
    `${what} must be ${listed(choices.map((choice) => `"${choice}"`))}, not ${printed(value)}`,
  );
}

/** @throws TypeError for anything but true, false or undefined: `"false"` out of an environment variable is true */
export function assertFlag(value: unknown, what: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(`${what} must be true or false, not ${printed(value)}`);
}

/** @throws TypeError for anything but a function, or undefined */
export function assertFunction(value: unknown, what: string): void {
  if (value === undefined || typeof value === "function") return;
  throw new TypeError(`${what} must be a function, not ${printed(value)}`);
}

/**
 * An option that nobody reads is a mistake that nobody notices: a limit that does not limit.
 *
 * @param known every option there is
 * @param renamed what other libraries call them, and what to say instead: `{ keyGenerator: 'use "key"' }`
 * @throws TypeError that names the first unknown option and, where there is one, the right name
 */
export function assertOptionNames<Options extends object>(
  owner: string,
  options: Options,
  known: readonly (keyof Options & string)[],
  renamed: Readonly<Record<string, string>> = {},
): void {
  if (options === undefined) throw new TypeError(`${owner}: options are missing`);
  // A factory that was given to Express itself: app.use(rateLimit).
  if (options !== null && "method" in Object(options) && "headers" in Object(options)) {
    throw new TypeError(`${owner}: it was given a request; call it: app.use(${owner}({ … }))`);
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${owner}: options must be an object, not ${printed(options)}`);
  }
  if (isMethod(options, "evalsha")) {
    throw new TypeError(`${owner}: options must be an object of ${known.join(", ")}, not an ioredis client`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (known as readonly string[]).includes(name)) continue;
    throw new TypeError(`${owner}: unknown option "${name}"; ${adviceOn(name, known, renamed)}`);
  }
}

export type StoreKind =
  | "RateLimitStore"
  | "CacheStore"
  | "LockManager"
  | "LockStore"
  | "Lock"
  | "IdempotencyStore"
  | "express-session Store";

interface StoreMarks {
  readonly methods: readonly string[];
  /** Where one comes from. */
  readonly such: string;
}

/**
 * The kinds of stores, each with what it can do that the others cannot: whoever made a store, it is known by its
 * methods.
 */
const STORE_KINDS: Readonly<Record<StoreKind, StoreMarks>> = {
  RateLimitStore: { methods: ["consume"], such: "redisStores(…).rateLimit" },
  CacheStore: { methods: ["read", "lead", "fill"], such: "redisStores(…).cache" },
  LockManager: { methods: ["tryAcquire"], such: "redisStores(…).locks" },
  LockStore: { methods: ["acquire", "extend", "release"], such: "new RedisLockStore({ client, prefix })" },
  Lock: { methods: ["extend", "release", "assertValid"], such: "acquire returns" },
  IdempotencyStore: { methods: ["begin", "complete", "abandon"], such: "redisStores(…).idempotency" },
  "express-session Store": { methods: ["get", "set", "destroy", "on"], such: "redisStores(…).session" },
};

/** @throws TypeError for anything but a store of this kind, which says what it is instead, and where the right one is */
export function assertStore(value: unknown, what: string, kind: StoreKind): void {
  if (isStore(value, kind)) return;
  const right = `${withArticle(kind)}, such as ${STORE_KINDS[kind].such}`;
  throw new TypeError(`${what} must be ${right}, not ${insteadOfStore(value)}`);
}

function isStore(value: unknown, kind: StoreKind): boolean {
  return STORE_KINDS[kind].methods.every((method) => isMethod(value, method));
}

function isMethod(value: unknown, name: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === "function";
}

function insteadOfStore(value: unknown): string {
  if (isMethod(value, "evalsha")) return "an ioredis client";
  if (value instanceof Promise) return "a promise, which must be awaited";
  if (isStore((value as { rateLimit?: unknown } | null | undefined)?.rateLimit, "RateLimitStore")) {
    return "all the stores of redisStores";
  }
  const kinds = Object.keys(STORE_KINDS) as StoreKind[];
  const kind = kinds.find((candidate) => isStore(value, candidate));
  return kind === undefined ? printed(value) : withArticle(kind);
}

function withArticle(kind: string): string {
  return `${/^[aeiou]/i.test(kind) ? "an" : "a"} ${kind}`;
}

function adviceOn(name: string, known: readonly string[], renamed: Readonly<Record<string, string>>): string {
  const advice = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
  if (advice !== undefined) return advice;
  const meant = known.find((candidate) => plain(candidate) === plain(name));
  return meant === undefined ? `there are ${known.join(", ")}` : `use "${meant}"`;
}

/** `maxage` and `maxAge` stand for `maxAgeMs`. */
function plain(name: string): string {
  return name.toLowerCase().replace(/ms$/, "");
}

function listed(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join() : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

/** Never the text of an object, of a URL or of a long string, which may be a secret or have one in it. */
export function printed(value: unknown): string {
  if (typeof value === "string" && value.includes("://")) return "a URL";
  if (typeof value === "string") return value.length <= 40 ? `"${value}"` : "a longer string";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null
    ? "an object"
    : typeof value === "function"
      ? "a function"
      : String(value);
}
