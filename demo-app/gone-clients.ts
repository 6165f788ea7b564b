import type { RequestHandler } from "express";

/**
 * Drops a request whose client has reset its connection: its address is gone before the read that fails tells of it,
 * and no layer below could say who it was. The demo listens on TCP, where everybody else has one.
 */
export const dropGoneClients: RequestHandler = (req, _res, next) => {
  if (req.socket.remoteAddress === undefined) req.socket.destroy();
  else next();
};
