import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { clientFailure } from "../../telemetry/client-failure.ts";
import { replyPrefix } from "../../telemetry/error-code.ts";
import { scriptName } from "../../telemetry/script-names.ts";

/** What ioredis publishes of a command, as far as it is used here; Node adds `error` when it fails. */
interface CommandContext {
  readonly command: string;
  /** Keys, values and whole session payloads: only the SHA-1 of a script is ever read. */
  readonly args: readonly string[];
  readonly error?: unknown;
}

export interface CommandMetricsOptions {
  /** The names that may become a label; all others are `other`. */
  readonly commands: ReadonlySet<string>;
  readonly bucketsSeconds: readonly number[];
}

/**
 * ioredis sends these by itself for every connection it makes; a version of Redis that does not know one would show
 * as application errors after each reconnect.
 */
const CONNECTION_COMMANDS: ReadonlySet<string> = new Set(
  "asking auth client cluster hello info readonly readwrite select sentinel".split(" "),
);

/** These wait on purpose, so their time says nothing about Redis. xread may block or not; only its args would tell. */
const BLOCKING_COMMANDS: ReadonlySet<string> = new Set(
  "blmove blmovem blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin monitor wait waitaof xread xreadgroup".split(
    " ",
  ),
);

/**
 * Counts and times the commands of every ioredis client in this process, through ioredis's own tracing channels.
 * Returns the function that ends it.
 *
 * A command counts once it is written to a socket: one that the client rejects before (no connection, no queue)
 * is not seen, and time in the offline queue is not part of a duration.
 */
export function recordCommands(
  registry: Registry,
  { commands, bucketsSeconds }: CommandMetricsOptions,
): () => void {
  const requests = new Counter({
    name: "redis_requests_total",
    help: "Redis commands that were answered or failed, without the handshakes of connections.",
    labelNames: ["operation", "status"],
    registers: [registry],
  });
  const durations = new Histogram({
    name: "redis_request_duration_seconds",
    help: "Time from writing a Redis command to its reply, in seconds; commands that may block are left out.",
    labelNames: ["operation"],
    buckets: [...bucketsSeconds],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: "redis_requests_in_flight",
    help: "Redis commands written and not yet answered.",
    registers: [registry],
  });
  const startedAt = new WeakMap<object, number>();

  return listen("ioredis:command", {
    start(context: CommandContext) {
      if (CONNECTION_COMMANDS.has(context.command.toLowerCase())) return;
      startedAt.set(context, performance.now());
      inFlight.inc();
    },
    // Not `end`, which fires as soon as the command is written.
    asyncEnd(context: CommandContext) {
      const started = startedAt.get(context);
      if (started === undefined) return;
      inFlight.dec();
      const operation = operationOf(context, commands);
      requests.inc({ operation, status: statusOf(context) });
      if (BLOCKING_COMMANDS.has(operation)) return;
      durations.observe({ operation }, (performance.now() - started) / 1000);
    },
  });
}

/** Times the connections that ioredis makes, also when it reconnects. Returns the function that ends it. */
export function recordConnects(registry: Registry, bucketsSeconds: readonly number[]): () => void {
  const durations = new Histogram({
    name: "redis_connect_duration_seconds",
    help: "Time to make a connection to Redis until it is ready for commands, or has failed, in seconds.",
    labelNames: ["status"],
    buckets: [...bucketsSeconds],
    registers: [registry],
  });
  const startedAt = new WeakMap<object, number>();
  return listen("ioredis:connect", {
    start(context: object) {
      startedAt.set(context, performance.now());
    },
    asyncEnd(context: object) {
      const started = startedAt.get(context);
      if (started === undefined) return;
      durations.observe(
        { status: "error" in context ? "error" : "ok" },
        (performance.now() - started) / 1000,
      );
    },
  });
}

function listen<Context extends object>(
  tracingChannel: string,
  handlers: { start(context: Context): void; asyncEnd(context: Context): void },
): () => void {
  const onStart = (message: unknown): void => handlers.start(message as Context);
  const onAsyncEnd = (message: unknown): void => handlers.asyncEnd(message as Context);
  subscribe(`tracing:${tracingChannel}:start`, onStart);
  subscribe(`tracing:${tracingChannel}:asyncEnd`, onAsyncEnd);
  return () => {
    unsubscribe(`tracing:${tracingChannel}:start`, onStart);
    unsubscribe(`tracing:${tracingChannel}:asyncEnd`, onAsyncEnd);
  };
}

function operationOf({ command, args }: CommandContext, commands: ReadonlySet<string>): string {
  const name = command.toLowerCase();
  if (name === "evalsha" || name === "evalsha_ro") return scriptName(args[0] ?? "") ?? name;
  return commands.has(name) ? name : "other";
}

function statusOf(context: CommandContext): string {
  if (!("error" in context)) return "ok";
  const { error } = context;
  const failure = clientFailure(error);
  if (failure) return failure;
  return (error instanceof Error && error.name === "ReplyError" && replyPrefix(error)) || "other";
}
