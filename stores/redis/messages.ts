import type { Redis } from "ioredis";
import { replyPrefix } from "../../telemetry/error-code.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { hangUp } from "./close.ts";
import type { RedisClient } from "./server-of.ts";
import { createSubscriber } from "./subscriber.ts";

export interface MessageListener {
  onMessage(message: string): void;
  /** From now on everything is heard; what was said before may have been missed. */
  onHearing(): void;
}

/** Of a Cluster, before another node is listened to. */
const NEXT_NODE_MS = 200;

const byClient = new WeakMap<RedisClient, Messages>();

/** What is published on the server of `client`: one connection for all who listen. */
export function messagesOf(client: RedisClient): Messages {
  const messages = byClient.get(client) ?? new Messages(client);
  byClient.set(client, messages);
  return messages;
}

/**
 * Hears what is published on some channels, on a connection of its own that is opened for the first listener, and ends
 * with the last of them, or as the client does. What is said while it is away is not heard later.
 */
export class Messages {
  readonly #client: RedisClient;
  readonly #channels = new Map<string, Set<MessageListener>>();
  #connection: Redis | undefined;

  /** Use {@link messagesOf}. */
  constructor(client: RedisClient) {
    this.#client = client;
    client.on("end", () => this.#hangUp());
    // It may be connected once more.
    client.on("ready", () => {
      if (this.#channels.size > 0 && !this.#connection) this.#connect();
    });
  }

  /** Returns what ends it. */
  listen(channel: string, listener: MessageListener): () => void {
    // One that listens twice does so twice.
    const own = { ...listener };
    const listeners = this.#channels.get(channel);
    if (listeners) listeners.add(own);
    else {
      this.#channels.set(channel, new Set([own]));
      if (this.#connection) void this.#subscribe(this.#connection, [channel]);
      else this.#connect();
    }
    return () => this.#leave(channel, own);
  }

  #leave(channel: string, own: MessageListener): void {
    const listeners = this.#channels.get(channel);
    if (!listeners?.delete(own) || listeners.size > 0) return;
    this.#channels.delete(channel);
    if (this.#channels.size === 0) this.#hangUp();
    else this.#connection?.unsubscribe(channel).catch(() => {});
  }

  #connect(): void {
    // It would outlive a client that has ended, and keep the process running.
    if (this.#client.status === "end") return;
    const node = nodeOf(this.#client);
    if (!node) return this.#connectLater();
    const connection = createSubscriber(node);
    this.#connection = connection;
    connection.on("ready", () => void this.#subscribe(connection, [...this.#channels.keys()]));
    connection.on("message", (channel, message) => {
      for (const listener of this.#channels.get(channel) ?? []) listener.onMessage(message);
    });
    // The messages of a Cluster reach all of its nodes, so any other will do.
    if (this.#client.isCluster) connection.once("close", () => this.#moveOn(connection));
    connection.connect().catch(() => {});
  }

  async #subscribe(connection: Redis, channels: readonly string[]): Promise<void> {
    // Before it is ready, all of them are subscribed as it becomes so.
    if (connection.status !== "ready" || channels.length === 0) return;
    try {
      await connection.subscribe(...channels);
    } catch (error) {
      // Asked again, it would be refused again: a user of Redis who may not listen to these channels.
      if (error instanceof Error && replyPrefix(error) === "NOPERM") warnOfRefusal();
      else connection.disconnect(true);
      return;
    }
    for (const channel of channels) {
      for (const listener of this.#channels.get(channel) ?? []) listener.onHearing();
    }
  }

  #moveOn(connection: Redis): void {
    if (this.#connection !== connection) return;
    hangUp(connection);
    this.#connectLater();
  }

  #connectLater(): void {
    this.#connection = undefined;
    setTimeout(() => {
      const isWanted = this.#channels.size > 0 && this.#client.status !== "end";
      if (isWanted && !this.#connection) this.#connect();
    }, NEXT_NODE_MS).unref();
  }

  #hangUp(): void {
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

function warnOfRefusal(): void {
  warnOnce(
    "ERS_MESSAGES_REFUSED",
    "the Redis user may not listen to the channels of the stores, so whoever waits for a lock asks for it instead of being told",
  );
}
