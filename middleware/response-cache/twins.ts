import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Twin } from "./stored-response.ts";

/** What is shorter fits into one packet as it is. */
const LEAST_BYTES = 1000;

const toBrotli = promisify(brotliCompress);
const toGzip = promisify(gzip);

/** Brotli at 4 takes the time of gzip at 6 and is shorter; at its default of 11 it takes a hundred times as long. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** A body in the codings that make it shorter, made off the event loop. */
export async function twinsOf(body: Buffer): Promise<readonly Twin[]> {
  if (body.length < LEAST_BYTES) return [];
  const [br, gz] = await Promise.all([toBrotli(body, BROTLI), toGzip(body)]);
  const twins: readonly Twin[] = [
    { coding: "br", body: br },
    { coding: "gzip", body: gz },
  ];
  return twins.filter((twin) => twin.body.length < body.length);
}
