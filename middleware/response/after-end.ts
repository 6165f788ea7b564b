import type { Response } from "express";
import { codedError, type ChunkArguments } from "./chunk.ts";

/** What a second end does: nothing, but for its callback; with a chunk it is a write. */
export function endAgain(res: Response, given: ChunkArguments): void {
  if (given.chunk) refuseChunk(res, given);
  else if (given.callback) res.once("finish", given.callback);
}

/** As Node does for a write after the end, but for its `error` event, which would end a process that does not listen. */
export function refuseChunk(res: Response, { callback }: ChunkArguments): void {
  const error = codedError(new Error("write after end"), "ERR_STREAM_WRITE_AFTER_END");
  process.nextTick(() => {
    callback?.(error);
    if (!res.destroyed && res.listenerCount("error") > 0) res.emit("error", error);
  });
}
