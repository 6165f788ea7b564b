import type { Response } from "express";
import { beforeCut } from "../response/before-cut.ts";

/**
 * Calls `answer` in place of a handler that cuts the connection before its first byte, as a proxy does whose origin is
 * away.
 */
export function saveFromCut(res: Response, answer: () => void): void {
  const { socket } = res.req;
  const destroy = res.destroy.bind(res);
  const leaveSocket = beforeCut(socket, () => {
    leave();
    if (res.headersSent) return;
    // Its client must not send another request on it.
    res.shouldKeepAlive = false;
    answer();
  });
  const destroyLater = (error?: Error): Response => {
    leave();
    if (res.headersSent || socket.destroyed) return destroy(error);
    answer();
    return res;
  };
  const leave = (): void => {
    leaveSocket();
    if (res.destroy === destroyLater) res.destroy = destroy;
  };
  res.destroy = destroyLater;
  res.once("close", leave);
}
