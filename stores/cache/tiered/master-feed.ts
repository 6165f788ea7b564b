import type { Redis } from "ioredis";
import { hangUp } from "../../redis/close.ts";
import { createSubscriber } from "../../redis/subscriber.ts";

/**
 * How a process hears that a key has changed. `tracking`: Redis itself tells of every change, whoever made it. `bus`:
 * the stores tell each other of their own writes. `none`: it does not.
 */
export type CoherenceMode = "tracking" | "bus" | "none";

/** What a feed is about, and whom it tells. */
export interface FeedTopic {
  /** What the Redis keys begin with, as the server sees them. */
  readonly keysFrom: string;
  /** The channel of the bus. */
  readonly channel: string;
  /** Redis keys that have changed. */
  onKeys(keys: readonly string[]): void;
  /** Anything may have changed, or the state of the feed has. */
  onDoubt(): void;
}

const INVALIDATIONS = "__redis__:invalidate";
const PING_MS = 1000;
/** Replies that pass by themselves; any other means that this server or user will never track. */
const PASSING = /^(?:BUSY|LOADING|MASTERDOWN|UNBLOCKED) /;

/**
 * Hears of changed keys from one master, on a connection of its own.
 *
 * The connection tracks and listens in one, so that neither can be lost without the other: Redis delivers to the
 * tracking connection itself where it is named in REDIRECT. What happens while it is away is not told of later.
 */
export class MasterFeed {
  readonly #topic: FeedTopic;
  readonly #connection: Redis;
  readonly #watchdog: NodeJS.Timeout;
  #mode: CoherenceMode | undefined;
  #listening = false;
  /** Counts connections made and lost, so that nothing of an earlier one counts. */
  #era = 0;
  #unanswered = 0;

  constructor(master: Redis, topic: FeedTopic) {
    this.#topic = topic;
    this.#connection = createSubscriber(master);
    this.#connection.on("ready", () => void this.#listen());
    this.#connection.on("close", () => this.#lose());
    this.#connection.on("messageBuffer", (channel: Buffer, message: unknown) => this.#hear(channel, message));
    this.#watchdog = setInterval(() => this.#watch(), PING_MS).unref();
    this.#connection.connect().catch(() => {});
  }

  /** As it was last, while the connection is away; undefined until the server has answered once. */
  get mode(): CoherenceMode | undefined {
    return this.#mode;
  }

  /** Whether every change from now on will be heard of. */
  get listening(): boolean {
    return this.#listening;
  }

  close(): void {
    clearInterval(this.#watchdog);
    this.#era += 1;
    this.#listening = false;
    hangUp(this.#connection);
  }

  async #listen(): Promise<void> {
    const era = ++this.#era;
    this.#unanswered = 0;
    try {
      const mode = await this.#subscribe();
      if (era !== this.#era) return;
      this.#mode = mode;
      this.#listening = mode !== "none";
      this.#topic.onDoubt();
    } catch {
      if (era === this.#era) this.#connection.disconnect(true);
    }
  }

  async #subscribe(): Promise<CoherenceMode> {
    if (await permitted(() => this.#track())) return "tracking";
    // Where it was the channel that was refused.
    await permitted(() => this.#connection.client("TRACKING", "OFF"));
    return (await permitted(() => this.#connection.subscribe(this.#topic.channel))) ? "bus" : "none";
  }

  async #track(): Promise<void> {
    const id = await this.#connection.client("ID");
    const how = ["REDIRECT", String(id), "BCAST", "PREFIX", this.#topic.keysFrom];
    await this.#connection.call("CLIENT", "TRACKING", "ON", ...how);
    await this.#connection.subscribe(INVALIDATIONS);
  }

  /** @param message of Redis an array of keys, or null where a whole database was emptied; of the bus, bytes */
  #hear(channel: Buffer, message: unknown): void {
    if (message instanceof Buffer) {
      if (String(channel) === this.#topic.channel) this.#topic.onKeys(String(message).split("\n"));
    } else if (Array.isArray(message)) {
      this.#topic.onKeys(message.map(String));
    } else {
      this.#topic.onDoubt();
    }
  }

  #lose(): void {
    this.#era += 1;
    if (!this.#listening) return;
    this.#listening = false;
    this.#topic.onDoubt();
  }

  /** A peer that has vanished without a word closes nothing. */
  #watch(): void {
    if (this.#connection.status !== "ready") return;
    if (this.#unanswered >= 2) {
      this.#lose();
      this.#connection.disconnect(true);
      return;
    }
    this.#unanswered += 1;
    void this.#ping();
  }

  async #ping(): Promise<void> {
    const era = this.#era;
    try {
      // A refusal is an answer too.
      await permitted(() => this.#connection.ping());
      if (era === this.#era) this.#unanswered = 0;
    } catch {
      // Unanswered.
    }
  }
}

/** Whether the server did what it was asked; rejects where the connection failed, or the server could not yet. */
async function permitted(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError" && !PASSING.test(error.message)) return false;
    throw error;
  }
}
