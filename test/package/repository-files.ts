import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What is made or installed, not written: as in .gitignore, and git's own folder. */
const NOT_WRITTEN = /^(?:\.git|node_modules|dist|coverage)$|\.tgz$/;

/** The paths of all files that somebody wrote, from `ROOT`, with slashes, sorted. */
export function writtenFiles(folder = ""): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !NOT_WRITTEN.test(name))
    .flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? writtenFiles(path) : [path];
    })
    .toSorted();
}
