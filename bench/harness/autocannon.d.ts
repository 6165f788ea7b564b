/** The part of autocannon 9 that is used here; it ships no types. */
declare module "autocannon" {
  function autocannon(options: autocannon.Options): autocannon.Run;

  namespace autocannon {
    interface Options {
      readonly url: string;
      readonly connections: number;
      /** Seconds. */
      readonly duration: number;
      /** Milliseconds between two looks at whether the time is over. */
      readonly sampleInt: number;
      readonly excludeErrorStats: boolean;
      /** Called for each connection, before it sends anything. */
      readonly setupClient: (client: Client) => void;
    }

    interface Client {
      setRequests(requests: readonly Request[]): void;
    }

    interface Request {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
    }

    interface Result {
      readonly errors: number;
      readonly timeouts: number;
    }

    interface Run extends PromiseLike<Result> {
      on(
        event: "response",
        listener: (client: unknown, status: number, bytes: number, milliseconds: number) => void,
      ): this;
    }
  }

  export = autocannon;
}
