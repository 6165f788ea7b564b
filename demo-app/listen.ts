import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Config } from "./config.ts";
import { StartError } from "./start-error.ts";

const DEFAULT_PORT = 3000;

/** A server that accepts requests. */
export interface Listening {
  readonly url: string;
  /** Takes no more requests, and waits for those under way; after `graceMs` their connections are cut. */
  close(graceMs: number): Promise<void>;
}

/**
 * Listens on `port`; without one on 3000, or on a free port while that is taken.
 *
 * @throws StartError when a port that was asked for, or the host, cannot be had
 */
export async function listen(
  app: RequestListener,
  { port, host }: Pick<Config, "port" | "host">,
): Promise<Listening> {
  const server = createServer(app);
  const closeSockets = followSockets(server);
  try {
    await listening(server, port ?? DEFAULT_PORT, host);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE") throw new StartError(`HOST and PORT: ${message}`, { cause: error });
    if (port !== undefined) {
      throw new StartError(`PORT ${port} on ${host} is taken by another program`, { cause: error });
    }
    await listening(server, 0, host);
  }
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    async close(graceMs) {
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      server.close();
      closeSockets();
      await once(server, "close");
      clearTimeout(cut);
    },
  };
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}

/**
 * Answers a function that closes every connection without a request under way, and each other one when its request
 * has been answered. Node's closeIdleConnections leaves those that have not had a first request yet, which browsers
 * open in advance.
 */
function followSockets(server: Server): () => void {
  const idle = new Set<Socket>();
  let closing = false;
  server.on("connection", (socket) => {
    idle.add(socket);
    socket.once("close", () => idle.delete(socket));
  });
  server.on("request", ({ socket }, res) => {
    idle.delete(socket);
    res.once("close", () => {
      if (closing) socket.destroySoon();
      else if (!socket.destroyed) idle.add(socket);
    });
  });
  return () => {
    closing = true;
    for (const socket of idle) socket.destroySoon();
  };
}
