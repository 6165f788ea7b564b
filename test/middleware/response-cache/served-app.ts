import { once } from "node:events";
import { createServer, request, type Agent, type ClientRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express } from "express";
import { receiveFrom, type Received } from "../response/served.ts";

export interface Asking {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly agent?: Agent;
}

/** An app on one port, so that many requests of one URL come to the same process at once. */
export interface ServedApp {
  readonly port: number;
  ask(asking?: Asking): Promise<Received>;
  /** A request whose client a test lets go. */
  begin(asking?: Asking): ClientRequest;
}

export async function serving<Result>(
  app: Express,
  use: (served: ServedApp) => Promise<Result>,
): Promise<Result> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const optionsOf = ({ headers, ...asking }: Asking): Asking => ({
    ...asking,
    headers: { host: "boards.example", ...headers },
  });
  try {
    return await use({
      port,
      ask: (asking = {}) => receiveFrom(port, optionsOf(asking)),
      begin(asking = {}) {
        const asked = request({ host: "127.0.0.1", port, ...optionsOf(asking) });
        asked.on("error", () => {}).end();
        return asked;
      },
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

export function statusOf({ headers }: Pick<Received, "headers">): string {
  return String(headers["cache-status"]);
}
