import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
// The last compiler with an API of its own; its successor reads and checks the same declarations.
import ts from "typescript-5.9";
import { ROOT } from "./repository-files.ts";

/** The names that each of these declaration files exports, types and values. */
export function exportedNames(files: readonly string[]): string[][] {
  const options = { module: ts.ModuleKind.NodeNext, noLib: true, types: [] };
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  return files.map((file) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${file} exports nothing`);
    return checker.getExportsOfModule(module).map(({ name }) => name);
  });
}

const IMPORT = /^import (?:type )?\{(?<names>[^}]*)\} from "express-redis-suite\/(?<subpath>[^"]+)"/gm;

/** What `test/types` imports of the package, as `./subpath name`. */
export function testedNames(): Set<string> {
  const folder = join(ROOT, "test/types");
  const sources = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const imports = sources.flatMap((source) => [...source.matchAll(IMPORT)]);
  return new Set(
    imports.flatMap(({ groups: { names = "", subpath = "" } = {} }) =>
      names
        .split(",")
        .map((name) => name.trim().replace(/^type /, ""))
        .filter((name) => name !== "")
        .map((name) => `./${subpath} ${name}`),
    ),
  );
}
