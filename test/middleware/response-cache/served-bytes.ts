import { once } from "node:events";
import { createServer, request, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly path?: string;
  readonly method?: string;
}

export interface Bytes {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Serves a listener on one port to clients that leave bytes and codings as they come. */
export async function served(
  listener: RequestListener,
  use: (ask: (headers?: IncomingHttpHeaders, asked?: Asked) => Promise<Bytes>) => Promise<void>,
): Promise<void> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = (headers: IncomingHttpHeaders = {}, asking: Asked = {}): Promise<Bytes> =>
    new Promise((resolve, reject) => {
      const to = { host: "127.0.0.1", port, ...asking, headers: { host: "boards.example", ...headers } };
      const asked = request(to, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => void chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
        });
      });
      asked.on("error", reject).end();
    });
  try {
    await use(ask);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
