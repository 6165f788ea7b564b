import type { Etcd3, IDuplexStream, IWatchRequest, IWatchResponse } from "etcd3";
import type { NameRange } from "./names.ts";
import { bounds } from "./transactions.ts";

type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>;

interface Watch {
  readonly id: number;
  readonly key: string;
  readonly place: string;
  readonly target: NameRange;
}

/** A stream that nobody needs any longer is kept for so long, for whoever waits next. */
const IDLE_MS = 1000;

/**
 * Tells those who wait when whoever has to leave before them has left. Each place watches one key, or the holders where
 * it is the first, so that one who leaves wakes one who waits. All share one stream, which is opened for the first.
 *
 * A stream that breaks off is not resumed: whoever waits asks again soon in any case, and then watches anew, from the
 * revision that it has seen.
 */
export class Turns {
  readonly #client: Etcd3;
  readonly #listeners = new Set<(key: string) => void>();
  readonly #byPlace = new Map<string, Watch>();
  readonly #byId = new Map<number, Watch>();
  #stream: WatchStream | undefined;
  /** What is to be asked once the stream is there; undefined where none is being opened. */
  #unsent: IWatchRequest[] | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  constructor(client: Etcd3) {
    this.#client = client;
  }

  listen(listener: (key: string) => void): () => void {
    const own = (key: string): void => listener(key);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** From `revision` on, tells of `key` once something of `target` goes. */
  watch({ key, place, target, revision }: Omit<Watch, "id"> & { readonly revision: number }): void {
    if (this.#listeners.size === 0) return;
    const known = this.#byPlace.get(place);
    if (known?.target.from === target.from && known.target.to === target.to) return;
    this.forget(place);
    clearTimeout(this.#idle);
    const watch = { id: (this.#lastId += 1), key, place, target };
    this.#byPlace.set(place, watch);
    this.#byId.set(watch.id, watch);
    this.#send({
      create_request: {
        ...bounds(target),
        start_revision: revision,
        watch_id: watch.id,
        filters: ["Noput"],
      },
    });
  }

  forget(place: string): void {
    const watch = this.#byPlace.get(place);
    if (!watch) return;
    this.#drop(watch);
    this.#send({ cancel_request: { watch_id: String(watch.id) } });
    if (this.#byId.size === 0) this.#idle = setTimeout(() => this.#close(), IDLE_MS).unref();
  }

  #drop(watch: Watch): void {
    this.#byId.delete(watch.id);
    if (this.#byPlace.get(watch.place) === watch) this.#byPlace.delete(watch.place);
  }

  #send(request: IWatchRequest): void {
    if (this.#stream) this.#stream.write(request);
    else if (this.#unsent) this.#unsent.push(request);
    else if (request.create_request) {
      this.#unsent = [request];
      this.#open().catch(() => this.#lose(undefined));
    }
  }

  async #open(): Promise<void> {
    const stream = await this.#client.watchClient.watch({});
    const lose = (): void => this.#lose(stream);
    stream.on("error", lose).on("end", lose);
    stream.on("data", (response) => {
      if (this.#stream === stream) this.#hear(response);
    });
    this.#stream = stream;
    for (const request of this.#unsent ?? []) stream.write(request);
    this.#unsent = undefined;
    if (this.#byId.size === 0) this.#close();
  }

  #hear({ watch_id, canceled, events }: IWatchResponse): void {
    const watch = this.#byId.get(Number(watch_id));
    if (!watch) return;
    if (canceled) this.#drop(watch);
    else if (events.length > 0) for (const listener of this.#listeners) listener(watch.key);
  }

  /** @param stream undefined for one that could not be opened */
  #lose(stream: WatchStream | undefined): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    this.#unsent = undefined;
    this.#byPlace.clear();
    this.#byId.clear();
  }

  #close(): void {
    if (this.#byId.size > 0) return;
    // Not cancelled, which the client would take for a failure of the server.
    this.#stream?.end();
    this.#stream = undefined;
  }
}
