import type { Response } from "express";

/** Nobody who closes connections, as a server does that stops, waits longer than that. */
const LONGEST_DELAY_MS = 1000;

/**
 * Lets whoever destroys the connection of a response wait, as Express's own error handler does for an error that comes
 * after the answer, until it is known what goes out: for a second at most. Not where the connection itself has failed, nor
 * for a response that is itself destroyed. Returns what ends the delay and then destroys what was to be destroyed.
 */
export function delayCut(res: Response): () => void {
  const { socket } = res.req;
  const original = Object.getOwnPropertyDescriptor(socket, "destroy");
  const destroy = socket.destroy.bind(socket);
  let delaying = true;
  let timer: NodeJS.Timeout | undefined;

  const destroyLater = (error?: Error): typeof socket => {
    if (!delaying || error || res.destroyed) return destroy(error);
    timer ??= setTimeout(destroy, LONGEST_DELAY_MS).unref();
    return socket;
  };

  socket.destroy = destroyLater;
  return () => {
    delaying = false;
    // A wrapper on top goes on calling this one.
    if (socket.destroy === destroyLater) {
      if (original) Object.defineProperty(socket, "destroy", original);
      else delete (socket as Partial<typeof socket>).destroy;
    }
    if (!timer) return;
    clearTimeout(timer);
    // By now perhaps that of an outer layer, which holds what was sent.
    socket.destroy();
  };
}
