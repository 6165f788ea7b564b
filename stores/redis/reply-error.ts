/**
 * ioredis hangs the whole command on an error: a log of it would show passwords (AUTH), sessions and bodies (SET).
 * Empties the arguments, leaves the rest of the error as it came, and returns it.
 */
export function withoutArguments<Failure>(error: Failure): Failure {
  if (error instanceof Error && "command" in error) {
    const { name } = error.command as { readonly name?: string };
    error.command = { name, args: [] };
  }
  if (error instanceof Error && "lastNodeError" in error) withoutArguments(error.lastNodeError);
  return error;
}
