import { startChild } from "./child.ts";
import type { CaseRequest } from "./http-case.ts";

export interface LoadOptions {
  readonly url: string;
  /** The status that every answer must have. */
  readonly status: number;
  readonly connections: number;
  readonly durationMs: number;
  /** Dealt out to the connections, each of which sends its own in turn. Default: `GET` of `url`. */
  readonly requests?: readonly CaseRequest[] | undefined;
}

export interface LoadResult {
  /** Requests that were answered. */
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the generator; close to 1 it is the generator that was measured. */
  readonly generatorCores: number;
}

/** A load generator in a process of its own: each connection sends its next request when the last is answered. */
export interface Load {
  /** Rejects unless every answer has the status that was expected. */
  readonly run: (options: LoadOptions) => Promise<LoadResult>;
  readonly stop: () => Promise<void>;
}

export async function startLoad(): Promise<Load> {
  const { ask, stop } = await startChild(new URL("./load-process.ts", import.meta.url));
  return { run: (options) => ask<LoadResult>(options), stop };
}
