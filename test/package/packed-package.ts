import { execFile, type ExecFileException } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT, writtenFiles } from "./repository-files.ts";

export interface PackedPackage {
  /** A copy of the project with a build of its own: nothing that an earlier build left is packed. */
  readonly project: string;
  readonly tarball: string;
  readonly bytes: number;
  readonly files: readonly string[];
  /** Makes a package that has this one installed, and of its dependencies and peers only `packages`. */
  consumer(settings: {
    readonly type: "module" | "commonjs";
    readonly packages: readonly string[];
  }): Promise<string>;
}

export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** What an earlier build left, whose source is gone: a build must not leave it to be packed. */
export const LEFT_OVER = "dist/stores/left-over.js";

let packed: Promise<PackedPackage> | undefined;

/**
 * Builds and packs the project in a temporary folder, as `npm publish` would, once for all tests of a process, which
 * removes it when it ends. Needs node_modules, no network.
 */
export function packedPackage(): Promise<PackedPackage> {
  return (packed ??= packPackage());
}

async function packPackage(): Promise<PackedPackage> {
  const folder = mkdtempSync(join(tmpdir(), "express-redis-suite-package-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const project = join(folder, "project");
  for (const path of writtenFiles()) cpSync(join(ROOT, path), join(project, path));
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  mkdirSync(join(project, dirname(LEFT_OVER)), { recursive: true });
  writeFileSync(join(project, LEFT_OVER), "");
  const built = await run("npm", ["run", "build"], project);
  if (built.code !== 0) throw new Error(`the build failed: ${built.output}`);
  const archive = await run(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", folder],
    project,
  );
  if (archive.code !== 0) throw new Error(`npm pack failed: ${archive.output}`);
  const [{ filename, size, files }] = JSON.parse(archive.output) as [NpmPack];
  const tarball = join(folder, filename);
  let consumers = 0;
  return {
    project,
    tarball,
    bytes: size,
    files: files.map(({ path }) => path),
    consumer: async ({ type, packages }) => {
      const consumer = join(folder, `consumer-${(consumers += 1)}`);
      const installed = join(consumer, "node_modules", "express-redis-suite");
      mkdirSync(installed, { recursive: true });
      writeFileSync(
        join(consumer, "package.json"),
        JSON.stringify({ name: "consumer", private: true, type }),
      );
      await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed], folder);
      for (const name of packages) linkPackage(name, consumer);
      return consumer;
    },
  };
}

interface NpmPack {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

function linkPackage(name: string, consumer: string): void {
  const link = join(consumer, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(ROOT, "node_modules", name), link);
}

/** Runs a program to its end. `output` is what it printed: the standard output, and the errors where it failed. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, maxBuffer: 1e8 }, (error: ExecFileException | null, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : 1;
      resolve(error ? { code, output: `${error.message}\n${stdout}${stderr}` } : { code: 0, output: stdout });
    });
  });
}
