import { AsyncResource } from "node:async_hooks";
import type { Server } from "./server-of.ts";

/** What a server is asked in one command. */
export interface Job {
  /** How much of a server's room it takes. */
  readonly size: number;
  /** Sends it, and settles once it is answered; never rejects. */
  readonly run: () => Promise<void>;
  /** Called instead where it has waited for too long. It was not sent. */
  readonly giveUp: () => void;
}

interface Lane {
  underWay: number;
  readonly waiting: (Job & { readonly since: number })[];
}

/**
 * Asks each server only so much at a time, in the order in which it came; what is more waits here. Sent at once, all that
 * a busy moment asks for would share one deadline, and what a healthy server cannot answer within it would make it look
 * like one that is silent.
 */
export class Lanes {
  readonly #lanes = new WeakMap<Server, Lane>();
  readonly #room: number;
  readonly #longestMs: number;

  /** @param longestMs how long a job may wait to be sent, milliseconds */
  constructor(room: number, longestMs: number) {
    this.#room = room;
    this.#longestMs = longestMs;
  }

  add(server: Server, job: Job): void {
    const lane = this.#lanes.get(server) ?? { underWay: 0, waiting: [] };
    this.#lanes.set(server, lane);
    if (lane.waiting.length === 0 && this.#fits(lane, job)) this.#start(lane, job);
    // In the context (a trace's span) of whoever asked for it, also when another's answer has made room.
    else lane.waiting.push({ ...job, run: AsyncResource.bind(job.run), since: performance.now() });
  }

  /** However much one takes, it goes where nothing else does. */
  #fits({ underWay }: Lane, { size }: Job): boolean {
    return underWay === 0 || underWay + size <= this.#room;
  }

  #start(lane: Lane, { size, run }: Job): void {
    lane.underWay += size;
    void run().finally(() => {
      lane.underWay -= size;
      this.#startNext(lane);
    });
  }

  /** All that is under way ends within a deadline of its own, so whoever waits is looked at by then. */
  #startNext(lane: Lane): void {
    for (let next; (next = lane.waiting[0]);) {
      const isLate = performance.now() - next.since > this.#longestMs;
      if (!isLate && !this.#fits(lane, next)) return;
      lane.waiting.shift();
      if (isLate) next.giveUp();
      else this.#start(lane, next);
    }
  }
}
