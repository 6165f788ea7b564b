import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { packedPackage, run, type PackedPackage } from "./packed-package.ts";
import { PUBLIC_MODULES } from "./public-names.ts";
import { exportedNames, testedNames } from "./public-types.ts";
import { ROOT } from "./repository-files.ts";

const COMPILERS = ["typescript", "typescript-5.9"];

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types?: string }>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;
}

describe("the public types", function () {
  this.timeout(120_000);
  const { dependencies, peerDependencies } = manifestOf(".");
  const types = ["@types/node", "@types/express", "@types/express-session", "express-rate-limit"];
  const packages = [...new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies), ...types])];
  let packed: PackedPackage;
  let consumer: string;

  before(async () => {
    packed = await packedPackage();
    consumer = await packed.consumer({ type: "module", packages });
    cpSync(join(ROOT, "test/types"), join(consumer, "types"), { recursive: true });
  });

  for (const compiler of COMPILERS) {
    for (const exactOptionalPropertyTypes of [true, false]) {
      const { version } = manifestOf(join("node_modules", compiler));
      const optional = exactOptionalPropertyTypes ? "exact" : "loose";

      it(`are what test/types says, by TypeScript ${version} with ${optional} optional properties`, async () => {
        const compilerOptions = {
          module: "nodenext",
          target: "es2023",
          strict: true,
          noUncheckedIndexedAccess: true,
          exactOptionalPropertyTypes,
          allowImportingTsExtensions: true,
          noEmit: true,
          // Once for each compiler: the declarations of Node and Express take most of its time.
          skipLibCheck: !exactOptionalPropertyTypes,
          types: ["node"],
        };
        writeFileSync(
          join(consumer, "tsconfig.json"),
          JSON.stringify({ compilerOptions, include: ["types"] }),
        );
        const tsc = join(ROOT, "node_modules", compiler, "bin/tsc");
        const { output } = await run(process.execPath, [tsc, "-p", "."], consumer);
        expect(output).to.equal("");
      });
    }
  }

  it("are all named in test/types", () => {
    const { exports } = manifestOf(".");
    const subpaths = Object.keys(PUBLIC_MODULES);
    const files = subpaths.map((subpath) => join(packed.project, exports[subpath]?.types ?? ""));
    const exported = exportedNames(files).flatMap((names, at) =>
      names.map((name) => `${subpaths[at]} ${name}`),
    );
    expect(exported).not.to.be.empty;
    const tested = testedNames();
    expect(exported.filter((name) => !tested.has(name))).to.deep.equal([]);
  });
});
