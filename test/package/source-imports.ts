export interface SourceImport {
  readonly specifier: string;
  /** True when nothing of it is left at run time: `import type`, `export type`. */
  readonly typeOnly: boolean;
}

// A quote inside a regular expression literal may open a "string" here, which then ends with its line.
const STRING = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/;
const STRING_OR_COMMENT = new RegExp(`${STRING.source}|${COMMENT.source}`, "g");

/** The source with every comment blank and every string empty, for rules that look for words of the language. */
export function wordsOf(source: string): string {
  return source.replace(STRING_OR_COMMENT, (match) => (match.startsWith("/") ? " " : '""'));
}

// Between the keyword and `from` stand names, braces and commas only; in `import "x"` stands nothing.
const STATEMENT =
  /(?<![\w$.])(?:import|export)(?<type>\s+type\b(?!\s+from\b|\s*,))?(?:[\s\w$*,{}]*?\bfrom)?\s*(?<quote>["'])(?<specifier>[^"'\n]+)\k<quote>/g;
const CALL =
  /(?<![\w$.])(?:import|require|import\.meta\.resolve)\s*\(\s*(?<quote>["'`])(?<specifier>[^"'`\n]+)\k<quote>/g;

/**
 * Every module that a file names: static and dynamic imports, re-exports, `require` and `import.meta.resolve` of a
 * literal. `import { type A } from "x"` counts as an import at run time, which it is under `verbatimModuleSyntax`;
 * so does the type `import("x").A`, which the house does not write.
 */
export function importsOf(source: string): SourceImport[] {
  const code = source.replace(STRING_OR_COMMENT, (match) =>
    match.startsWith("/") ? " ".repeat(match.length) : match,
  );
  const texts = [...code.matchAll(STRING_OR_COMMENT)].map(({ 0: text, index }) => [
    index,
    index + text.length,
  ]);
  const isQuoted = (at: number): boolean => texts.some(([start = 0, end = 0]) => start <= at && at < end);
  return [...code.matchAll(STATEMENT), ...code.matchAll(CALL)]
    .filter(({ index }) => !isQuoted(index))
    .map(({ groups = {} }) => ({
      specifier: groups["specifier"] ?? "",
      typeOnly: groups["type"] !== undefined,
    }));
}
