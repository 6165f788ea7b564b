/** What must not be in a public repository. Written so that this file does not find itself. */
const TRACES = [
  // Hosts that packages come from, ours to nobody: where they are fetched is the business of each machine.
  /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\b(?:artifactory|nexus|verdaccio)\.[a-z0-9.-]+/gi,
  // Absolute paths below the folders where people and build machines work.
  /(?<![\w.~@/-])\/(?:home|root|work|Users|workspace|builds)\/[\w.-]*/g,
  /\b[A-Z]:\\Users\\/g,
  /-----BEGIN [A-Z ]*PRIVATE [K]EY/g,
  /\b(?:npm_|ghp_|gho_|github_pat_)\w{30,}|\bAKIA[A-Z0-9]{16}\b/g,
  /(?:^|:)_(?:auth|authToken|password)\s*=/gm,
];

/** The names of registries, absolute paths of a machine and secrets that `text` holds. */
export function tracesIn(text: string): string[] {
  return TRACES.flatMap((trace) => text.match(trace) ?? []);
}
