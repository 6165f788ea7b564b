import type { Redis } from "ioredis";
import { writeAtEndOfTurn } from "./end-of-turn.ts";
import type { RedisClient } from "./server-of.ts";

/**
 * Lets what a client is asked in one turn of the event loop leave in one write to its socket, at the turn's end: a
 * write is a system call for Node and one for Redis, and costs more than the command in it. On a Cluster one per node.
 *
 * Holds for every connection that the client makes from now on, once it is made: its handshake is sent as ever, and so
 * are the commands of what `duplicate()` returns.
 */
export function writeOncePerTurn<Client extends RedisClient>(client: Client): Client {
  if ("nodes" in client) client.on("+node", gatherOnConnect);
  else gatherOnConnect(client);
  return client;
}

function gatherOnConnect(connection: Redis): void {
  connection.on("connect", () => gatherWrites(connection.stream));
}

function gatherWrites(stream: Redis["stream"]): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let gathering = false;
  const end = (): void => {
    gathering = false;
    stream.uncork();
  };
  stream.write = (...args: unknown[]): boolean => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      writeAtEndOfTurn(end);
    }
    return write(...args);
  };
}
