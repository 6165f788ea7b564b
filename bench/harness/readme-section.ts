import { readFile, writeFile } from "node:fs/promises";

const README = new URL("../README.md", import.meta.url);

/** Replaces what stands in README.md between the two marks of this name. */
export async function writeReadmeSection(name: string, text: string): Promise<void> {
  const begin = `<!-- ${name}: begin -->`;
  const end = `<!-- ${name}: end -->`;
  const readme = await readFile(README, "utf8");
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from === -1 || to < from) throw new Error(`README.md has no marks ${begin} … ${end}`);
  await writeFile(README, `${readme.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${readme.slice(to)}`);
}
