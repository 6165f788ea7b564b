import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RedisAddress } from "./redis-url.ts";

/** Added to the time of an attempt that has failed already. */
const PATIENCE_MS = 250;

/**
 * What to say where a server speaks plain Redis to a client that wants TLS, or the other way round: neither side's own
 * errors tell. Asks the first host in the other way, without credentials; undefined where that is no better.
 */
export async function protocolMistake(
  { hosts: [first], tls }: RedisAddress,
  tlsByOption: boolean,
): Promise<string | undefined> {
  if (!first) return undefined;
  if (!tls && !tlsByOption) {
    // Only whether there is a handshake is of interest; whoever it is with learns nothing.
    const socket = connectTls({ ...first, rejectUnauthorized: false });
    return (await happens(socket, "secureConnect")) ? "the server speaks TLS; use rediss://" : undefined;
  }
  const socket = connectPlain(first);
  socket.write("PING\r\n");
  const reply = await happens(socket, "data");
  if (!Buffer.isBuffer(reply) || !/^[+-]/.test(reply.toString("latin1"))) return undefined;
  return tlsByOption
    ? 'the server does not speak TLS; use redis:// and no "tls"'
    : "the server does not speak TLS; use redis://";
}

/** What comes with the event, or true; false where the socket fails before, or nothing happens. */
async function happens(socket: Socket, event: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<unknown>((resolve) => {
      timer = setTimeout(() => resolve(false), PATIENCE_MS);
      socket.once(event, (value: unknown) => resolve(value ?? true));
      socket.on("error", () => resolve(false)).once("close", () => resolve(false));
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
