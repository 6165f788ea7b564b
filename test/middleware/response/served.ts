import { createServer, request, type IncomingHttpHeaders, type RequestOptions } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Express, type RequestHandler } from "express";

/** What came over the wire, whole or cut off. */
export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly text: string;
  readonly isWhole: boolean;
}

/** Serves one request to `app` and returns what its client received; status 0 where that was not even a head. */
export async function receive(app: Express, options: RequestOptions = {}): Promise<Received> {
  const server = createServer(app).listen(0, "127.0.0.1");
  try {
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    return await receiveFrom(port, options);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Sends one request to a server of this machine. */
export function receiveFrom(port: number, options: RequestOptions = {}): Promise<Received> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, ...options }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("error", () => {});
      answer.on("close", () => {
        const { statusCode = 0, headers, trailers, complete } = answer;
        resolve({ status: statusCode, headers, trailers, text, isWhole: complete });
      });
    });
    asked
      .on("error", () => resolve({ status: 0, headers: {}, trailers: {}, text: "", isWhole: false }))
      .end();
  });
}

/** An app of one route, whose errors are answered by Express's own handler, in silence. */
export function appOf(...handlers: readonly RequestHandler[]): Express {
  const app = express().set("env", "test");
  app.all("/", ...handlers);
  return app;
}
