import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
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
 * Returns a function that closes every connection without a request under way, and each other one when all of its
 * requests have been answered; the last answer says so (`Connection: close`, RFC 9112 §9.6). Node's
 * closeIdleConnections leaves those that have not had a first request yet, which browsers open in advance.
 */
function followSockets(server: Server): () => void {
  /** The answers that each connection still owes, in order: clients may pipeline. */
  const owed = new Map<Socket, Set<ServerResponse>>();
  let closing = false;
  server.on("connection", (socket) => {
    owed.set(socket, new Set());
    socket.once("close", () => owed.delete(socket));
  });
  // Before the application, which may answer at once.
  server.prependListener("request", ({ socket }, res) => {
    const answers = owed.get(socket) ?? new Set();
    answers.add(res);
    if (closing) announceClose(answers);
    res.once("close", () => {
      answers.delete(res);
      if (closing && answers.size === 0) socket.destroySoon();
    });
  });
  return () => {
    closing = true;
    for (const [socket, answers] of owed) {
      if (answers.size === 0) socket.destroySoon();
      else announceClose(answers);
    }
  };
}

/**
 * The last answer alone: after one that says `close` Node ends the connection, whatever else was asked on it. A request
 * that another one follows on its connection has kept it alive itself.
 */
function announceClose(answers: ReadonlySet<ServerResponse>): void {
  const last = [...answers].at(-1);
  for (const res of answers) res.shouldKeepAlive = res !== last;
}
