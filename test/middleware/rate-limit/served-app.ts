import { once } from "node:events";
import { request as send, type ClientRequest, type RequestOptions, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express } from "express";

/** An app that listens, so that a test can leave in the middle of a request. */
export interface ServedApp {
  readonly port: number;
  /** Sends a request and does not wait for the answer. */
  send(path: string, options?: RequestOptions): ClientRequest;
  /** Resolves when the server has seen the end of `count` connections more. */
  connectionsClosed(count: number): Promise<void>;
  stop(): Promise<void>;
}

export async function serve(app: Express): Promise<ServedApp> {
  const server: Server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    send(path, options = {}) {
      const sent = send({ ...options, port, host: "127.0.0.1", path, agent: false });
      // A request that was left ends with an error, as it should.
      sent.once("error", () => {});
      sent.once("response", (response) => response.resume());
      sent.end();
      return sent;
    },
    connectionsClosed: (count) =>
      new Promise((resolve) => {
        let closed = 0;
        server.on("connection", (socket) => {
          socket.once("close", () => {
            closed += 1;
            if (closed === count) resolve();
          });
        });
      }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
