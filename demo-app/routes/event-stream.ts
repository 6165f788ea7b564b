import { once } from "node:events";
import type { Response } from "express";

/** A response of Server-Sent Events (WHATWG HTML §9.2). */
export interface EventStream {
  /** Aborts once the client has gone away, or the stream was ended. */
  readonly signal: AbortSignal;
  /** Sends one event, and waits while the client reads more slowly than we write. Rejects once `signal` aborts. */
  send(event: string, data: unknown): Promise<void>;
  end(): void;
}

/** Sends the headers of a stream. A comment every `heartbeatMs` keeps it from looking dead to what is between. */
export function openEventStream(res: Response, heartbeatMs: number): EventStream {
  const gone = new AbortController();
  const heartbeat = setInterval(() => res.write(": still here\n\n"), heartbeatMs);
  const close = (): void => {
    clearInterval(heartbeat);
    gone.abort();
  };
  // Who has left while an earlier layer waited will not leave again.
  if (res.destroyed) close();
  else res.once("close", close);
  res.status(200).set({
    "Content-Type": "text/event-stream",
    // A proxy that compresses or buffers would hold the events back.
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
  });
  res.flushHeaders();
  return {
    signal: gone.signal,
    async send(event, data) {
      gone.signal.throwIfAborted();
      if (!res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) {
        await once(res, "drain", { signal: gone.signal });
      }
    },
    end() {
      clearInterval(heartbeat);
      res.end();
    },
  };
}
