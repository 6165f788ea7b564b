import type { Redis } from "ioredis";

/** Counts what a connection's socket is told to write from now on, in writes. */
export function countWrites({ stream }: Redis): () => number {
  let writes = 0;
  const socket = stream as unknown as Record<"_write" | "_writev", (...args: unknown[]) => void>;
  for (const name of ["_write", "_writev"] as const) {
    const write = socket[name].bind(socket);
    socket[name] = (...args) => {
      writes += 1;
      write(...args);
    };
  }
  return () => writes;
}
