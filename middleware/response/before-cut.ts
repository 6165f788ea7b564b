import type { Socket } from "node:net";

/**
 * Calls `before` when somebody is about to destroy a connection, in the same turn: what is written then still goes out,
 * as it would have gone out earlier. Not where the connection itself has failed. Returns what ends this and gives the
 * method back.
 */
export function beforeCut(socket: Socket, before: () => void): () => void {
  const original = Object.getOwnPropertyDescriptor(socket, "destroy");
  let destroy = socket.destroy.bind(socket);

  const destroyAfter = (error?: Error): Socket => {
    if (!error) before();
    return destroy(error);
  };

  socket.destroy = destroyAfter;
  return () => {
    // A wrapper on top goes on calling this one.
    if (socket.destroy !== destroyAfter) return;
    if (original) Object.defineProperty(socket, "destroy", original);
    else delete (socket as Partial<Socket>).destroy;
    // By now perhaps that of an outer layer, which holds what `before` has sent.
    destroy = (error) => socket.destroy(error);
  };
}
