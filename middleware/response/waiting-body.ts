import type { Response } from "express";
import { assertChunk, codedError, type ChunkArguments } from "./chunk.ts";

interface Sender {
  readonly end: (this: Response, ...args: unknown[]) => unknown;
  readonly flushHeaders: (this: Response) => unknown;
  readonly write: (this: Response, ...args: unknown[]) => unknown;
}

/** What was written of an answer that waits, and its end. */
export class WaitingBody {
  #writes: ChunkArguments[] = [];
  #end: ChunkArguments | undefined;
  #isFlushed = false;

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  flush(): void {
    this.#isFlushed = true;
  }

  /** Throws for what Node refuses. */
  write(given: ChunkArguments): void {
    assertChunk(given);
    this.#writes.push(given);
  }

  /** As `write`. */
  end(res: Response, given: ChunkArguments): void {
    assertChunk(given);
    // Not left to the layers beneath, which may know of no callback; Node itself does no more with it.
    if (given.callback) res.once("finish", given.callback);
    this.#end = given;
  }

  send(res: Response, { end, flushHeaders, write }: Sender): void {
    let isReady = true;
    for (const { chunk, encoding, callback } of this.#writes.splice(0)) {
      isReady = write.call(res, chunk, encoding, callback) as boolean;
    }
    if (this.#end) return void end.call(res, this.#end.chunk, this.#end.encoding);
    if (this.#isFlushed) flushHeaders.call(res);
    // Whoever was told to wait. Otherwise Node itself will tell.
    if (isReady) process.nextTick(() => res.emit("drain"));
  }

  /** Tells those who wait for what they have written, and nobody else: another answer is to follow. */
  drop(): void {
    this.#end = undefined;
    const error = codedError(new Error("The answer was withdrawn"), "ERR_STREAM_DESTROYED");
    for (const { callback } of this.#writes.splice(0)) if (callback) process.nextTick(callback, error);
  }
}
