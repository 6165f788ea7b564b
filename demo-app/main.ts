import { parseArgs } from "node:util";
import { readConfig } from "./config.ts";
import { runDemo } from "./run-demo.ts";
import { EXIT_CODE_INTERRUPTED, onStopSignal } from "./stop-signal.ts";

const USAGE = `Usage: npm run demo -- [--once] [--help]

Imports four seasons of five football leagues into Redis and serves their leaderboard.

  --once  import, print all tables as one JSON object, and end
  --help  print this text

Environment: PORT, HOST, REDIS_URL, EMBEDDED_REDIS (auto, native or wasm), SESSION_SECRET, LOG_LEVEL.
docs/demo.md says what they mean.
`;

interface Arguments {
  readonly once: boolean;
  readonly help: boolean;
}

/**
 * The exit code is the only thing that leaves: 0 done or stopped, 1 could not start or go on,
 * 2 called wrongly, 130 interrupted before there was a result.
 */
async function main(args: readonly string[]): Promise<number> {
  let parsed: Arguments;
  try {
    parsed = readArguments(args);
  } catch (error) {
    process.stderr.write(`demo: ${firstSentence(error)} Try --help.\n`);
    return 2;
  }
  if (parsed.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const stopping = onStopSignal();
  try {
    await runDemo({ config: readConfig(process.env), once: parsed.once, stopping });
    return 0;
  } catch (error) {
    // What was interrupted fails, which is how a demo that serves ends; tables that were asked for are missing.
    if (stopping.aborted) return parsed.once ? EXIT_CODE_INTERRUPTED : 0;
    process.stderr.write(`demo: ${describeFailure(error as Error)}\n`);
    return 1;
  }
}

/** A stack helps only with what nobody expects. */
function describeFailure({ name, message, stack = message }: Error): string {
  // Redis may be lost during the import, or refuse it: a ReplyError is its own NOPERM or WRONGTYPE.
  const expected = ["StartError", "StoreTimeoutError", "StoreUnavailableError", "ReplyError"];
  return expected.includes(name) ? message : stack;
}

/** @throws TypeError for an option or a word that is not known */
function readArguments(args: readonly string[]): Arguments {
  const options = {
    once: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
}

/** Node adds advice about `--` to its message, which does not fit options that take no value. */
function firstSentence(error: unknown): string {
  const [sentence = ""] = (error as Error).message.split(/(?<=\.) /);
  return sentence.endsWith(".") ? sentence : `${sentence}.`;
}

process.exitCode = await main(process.argv.slice(2));
