import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect } from "chai";
import { brokenLinks } from "./markdown-links.ts";
import { LEFT_OVER, packedPackage, run, type PackedPackage } from "./packed-package.ts";
import { PUBLIC_MODULES } from "./public-names.ts";
import { ROOT } from "./repository-files.ts";

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** What importing each subpath gave: the names that it exports, or why it failed. */
type Imported = Record<string, readonly string[] | string>;

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
const dependencies = Object.keys(manifest.dependencies);
const peers = Object.keys(manifest.peerDependencies);
const subpaths = Object.keys(PUBLIC_MODULES);

/** Imports every subpath through `load`, an expression over `name`, and prints an {@link Imported}. */
function importer(load: string): string {
  return `
    const report = {};
    const importAll = async () => {
      for (const subpath of ${JSON.stringify(subpaths)}) {
        const name = "express-redis-suite" + subpath.slice(1);
        try { report[subpath] = Object.keys(${load}).sort(); }
        catch (error) { report[subpath] = error.message; }
      }
      process.stdout.write(JSON.stringify(report));
    };
    importAll();`;
}

describe("the packed package", function () {
  this.timeout(60_000);
  let packed: PackedPackage;

  before(async () => {
    packed = await packedPackage();
  });

  async function importAll(consumer: string, load: string): Promise<Imported> {
    writeFileSync(join(consumer, "import-all.js"), importer(load));
    const { code, output } = await run(process.execPath, ["import-all.js"], consumer);
    expect(code, output).to.equal(0);
    return JSON.parse(output) as Imported;
  }

  it("exports what the list of public modules says, and its package.json", () => {
    expect(Object.keys(manifest.exports)).to.have.members([...subpaths, "./package.json"]);
  });

  for (const [type, load] of [
    ["module", "await import(name)"],
    ["commonjs", "require(name)"],
  ] as const) {
    it(`gives every subpath, with its names and no other, to a ${type} package`, async () => {
      const consumer = await packed.consumer({ type, packages: [...dependencies, ...peers] });
      const imported = await importAll(consumer, load);
      // Node adds this name to what `require` returns of a module.
      const found = Object.entries(imported).map(([subpath, names]) => [
        subpath,
        Array.isArray(names) ? names.filter((name) => name !== "__esModule") : names,
      ]);
      const expected = Object.entries(PUBLIC_MODULES).map(([subpath, { names }]) => [
        subpath,
        [...names].toSorted(),
      ]);
      expect(Object.fromEntries(found)).to.deep.equal(Object.fromEntries(expected));
    });
  }

  it("asks for a peer only where that peer is used", async () => {
    const consumer = await packed.consumer({ type: "module", packages: dependencies });
    const imported = await importAll(consumer, "await import(name)");
    const refused = subpaths.filter((subpath) => typeof imported[subpath] === "string");
    expect(refused).to.have.members(subpaths.filter((subpath) => PUBLIC_MODULES[subpath]?.peers));
    for (const subpath of refused) {
      const absent = /Cannot find package '([^']+)'/.exec(String(imported[subpath]))?.[1];
      expect(PUBLIC_MODULES[subpath]?.peers, subpath).to.include(absent);
    }
  });

  it("holds the build, the sources that its maps name and the documents, nothing else", () => {
    const outside = packed.files.filter(
      (path) => !/^(?:dist\/)?(?:middleware|stores|telemetry)\/|^docs\/[\w-]+\.md$/.test(path),
    );
    expect(outside).to.have.members(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    expect(packed.files.filter((path) => /\.test\.|\.tsbuildinfo$/.test(path))).to.deep.equal([]);
    const maps = packed.files.filter((path) => path.endsWith(".map"));
    expect(maps).not.to.be.empty;
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(packed.project, map), "utf8")) as {
        sources: string[];
      };
      const named = sources.map((source) => posix.join(dirname(map), source));
      expect(packed.files, map).to.include.members(named);
    }
  });

  it("holds nothing that an earlier build left", () => {
    expect(packed.files).to.include("dist/stores/index.js").and.not.to.include(LEFT_OVER);
  });

  it("has documents whose links lead to what it holds", () => {
    const documents = packed.files.filter((path) => path.endsWith(".md"));
    expect(documents).to.include.members(["README.md", "docs/redis.md"]);
    const broken = documents.flatMap((path) => {
      const text = readFileSync(join(packed.project, path), "utf8");
      // Pictures are for those who read the repository.
      return brokenLinks(text.replace(/!\[[^\]]*\]\([^)]*\)/g, ""), (target) => {
        const file = target === "" ? path : posix.join(dirname(path), target);
        return packed.files.includes(file) ? readFileSync(join(packed.project, file), "utf8") : undefined;
      }).map((link) => `${path}: ${link}`);
    });
    expect(broken).to.deep.equal([]);
  });

  it("is smaller than 1 MB", () => {
    expect(packed.bytes).to.be.lessThan(1_000_000);
  });

  it("is clean by publint", async () => {
    const { code, output } = await run(join(ROOT, "node_modules/.bin/publint"), ["--strict"], packed.project);
    expect(code, output).to.equal(0);
  });

  it("has the right types, as are-the-types-wrong sees them for a package of ES modules", async () => {
    const args = [packed.tarball, "--profile", "esm-only", "--no-color"];
    const { code, output } = await run(join(ROOT, "node_modules/.bin/attw"), args, packed.project);
    expect(code, output).to.equal(0);
  });
});
