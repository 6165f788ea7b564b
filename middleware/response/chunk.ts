/** What `write` and `end` may be given: their arguments may be left out from the left of the callback. */
export interface ChunkArguments {
  readonly chunk: unknown;
  readonly encoding: BufferEncoding | undefined;
  readonly callback: ((error?: Error) => void) | undefined;
}

export function chunkArguments(args: readonly unknown[]): ChunkArguments {
  const callback = args.slice(0, 3).find((arg) => typeof arg === "function") as ChunkArguments["callback"];
  const [chunk, encoding] = args;
  return {
    chunk: typeof chunk === "function" ? undefined : chunk,
    encoding: typeof encoding === "string" ? (encoding as BufferEncoding) : undefined,
    callback,
  };
}

/** Refuses what Node refuses, for whoever passes a chunk on later, or not at all. */
export function assertChunk({ chunk, encoding }: ChunkArguments): void {
  // Node takes whatever is falsy for no chunk.
  if (!chunk || chunk instanceof Uint8Array) return;
  if (typeof chunk !== "string") {
    throw codedError(
      new TypeError('The "chunk" argument must be of type string or an instance of Buffer or Uint8Array.'),
      "ERR_INVALID_ARG_TYPE",
    );
  }
  if (encoding !== undefined && !Buffer.isEncoding(encoding)) {
    throw codedError(new TypeError(`Unknown encoding: ${String(encoding)}`), "ERR_UNKNOWN_ENCODING");
  }
}

export function codedError<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code });
}
