/** What ioredis rejects with where it has closed a connection for good, or had none to begin with. */
export const CONNECTION_CLOSED = "Connection is closed.";
const COMMAND_TIMEOUT = "Command timed out";

/**
 * How ioredis itself failed: `timeout` where its `commandTimeout` passed, `closed` where the connection was down, was
 * lost, or could not be made. Undefined for what a server replied, and for every other error.
 *
 * ioredis has neither class nor code for most of these; the texts are its constants (utils/index, errors/,
 * Redis.sendCommand).
 */
export function clientFailure(error: unknown): "timeout" | "closed" | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.message === COMMAND_TIMEOUT) return "timeout";
  const closed =
    isUnsent(error) ||
    error.message.startsWith("Command aborted due to connection close") ||
    error.name === "MaxRetriesPerRequestError" ||
    error.name === "ClusterAllFailedError" ||
    (error as NodeJS.ErrnoException).syscall !== undefined;
  return closed ? "closed" : undefined;
}

/** Whether ioredis says only that it cannot send a command, and not why. */
export function isUnsent({ message }: Error): boolean {
  return message === CONNECTION_CLOSED || message.endsWith("enableOfflineQueue options is false");
}
