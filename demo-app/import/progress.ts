import { Presets, SingleBar } from "cli-progress";

export interface Progress {
  readonly advance: (matches: number) => void;
  readonly stop: () => void;
}

/** A bar on standard error while a person watches; nothing where that is a file or a pipe. */
export function showProgress(total: number): Progress {
  if (!process.stderr.isTTY) return { advance: () => {}, stop: () => {} };
  const bar = new SingleBar(
    { stream: process.stderr, format: "Importing matches {bar} {value}/{total}", clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return {
    advance: (matches) => bar.increment(matches),
    stop: () => bar.stop(),
  };
}
