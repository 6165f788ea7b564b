import type { Redis } from "ioredis";
import { hangUp } from "../../redis/close.ts";
import type { RedisClient } from "../../redis/server-of.ts";
import { createSubscriber } from "../../redis/subscriber.ts";

/** Of a Cluster, before another node is listened to. */
const NEXT_NODE_MS = 200;

/**
 * Hears on one channel whose turn it is, on a connection of its own that is opened for the first listener and ends with
 * the client. What is said while it is away is not heard later.
 */
export class Turns {
  readonly #client: RedisClient;
  readonly #channel: string;
  readonly #listeners = new Set<(lock: string) => void>();
  #connection: Redis | undefined;

  constructor(client: RedisClient, channel: string) {
    this.#client = client;
    this.#channel = channel;
  }

  listen(listener: (lock: string) => void): () => void {
    const own = (lock: string): void => listener(lock);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#open();
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#close();
    };
  }

  #open(): void {
    this.#client.once("end", this.#end);
    this.#connect();
  }

  #connect(): void {
    const node = nodeOf(this.#client);
    if (!node) return this.#connectLater();
    const connection = createSubscriber(node);
    this.#connection = connection;
    const subscribe = (): void => {
      connection.subscribe(this.#channel).catch(() => connection.disconnect(true));
    };
    connection.on("ready", subscribe);
    connection.on("message", (_channel, lock) => {
      for (const listener of this.#listeners) listener(lock);
    });
    // The messages of a Cluster reach all of its nodes, so any other will do.
    if (this.#client.isCluster) connection.once("close", () => this.#moveOn(connection));
    connection.connect().catch(() => {});
  }

  #moveOn(connection: Redis): void {
    if (this.#connection !== connection) return;
    hangUp(connection);
    this.#connectLater();
  }

  #connectLater(): void {
    this.#connection = undefined;
    setTimeout(() => {
      if (this.#listeners.size > 0 && !this.#connection) this.#connect();
    }, NEXT_NODE_MS).unref();
  }

  readonly #end = (): void => {
    this.#listeners.clear();
    this.#close();
  };

  #close(): void {
    this.#client.off("end", this.#end);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) hangUp(connection);
  }
}

/** Whom to listen to: of a Cluster one of its masters, not the same for all. */
function nodeOf(client: RedisClient): Redis | undefined {
  if (!("nodes" in client)) return client;
  const masters = client.nodes("master");
  return masters[Math.floor(Math.random() * masters.length)];
}
