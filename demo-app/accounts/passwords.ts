import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";
import { promisify } from "node:util";
import { WorkQueue } from "./work-queue.ts";

export interface PasswordOptions {
  /** The N of scrypt, a power of two: what one guess costs in time and memory. Default 2^14. */
  readonly cost?: number;
}

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

const BLOCK_SIZE = 8;
const PARALLELISM = 5;
const HASH_BYTES = 32;
const SALT_BYTES = 16;

/** Two at once leave half of libuv's four threads to the rest of the process, and bound the memory to 32 MiB. */
const KDFS_AT_ONCE = 2;
/** The last of them waits about 3 s. Whoever comes then is told at once to come back, which is better than a hang. */
const MOST_WAITING = 20;

/**
 * Turns passwords into what may be stored: `scrypt$N$r$p$salt$hash`, with a salt of its own for each. N 2^14, r 8,
 * p 5 is one of the settings OWASP's password cheat sheet names as equal in strength; it costs about 0.3 s and 16 MiB.
 */
export class Passwords {
  readonly #cost: number;
  readonly #queue = new WorkQueue(KDFS_AT_ONCE, MOST_WAITING);
  /** Matches no password. Verifying against it takes as long as against a real one. */
  readonly #nobody: string;

  constructor({ cost = 2 ** 14 }: PasswordOptions = {}) {
    this.#cost = cost;
    this.#nobody = this.#record(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  }

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return this.#record(salt, await this.#derive(password, salt, [this.#cost, BLOCK_SIZE, PARALLELISM]));
  }

  /**
   * Whether `password` is the one that `record` was made from, under the parameters kept in it. Without a record it
   * returns false and takes just as long, so that it does not tell which users exist.
   *
   * @throws TypeError for a record that `hash` did not make
   */
  async verify(password: string, record: string | undefined): Promise<boolean> {
    const [scheme, cost, blockSize, parallelism, salt = "", hash = ""] = (record ?? this.#nobody).split("$");
    const expected = Buffer.from(hash, "base64url");
    if (scheme !== "scrypt" || expected.length !== HASH_BYTES) throw new TypeError("not a password record");
    const parameters = [Number(cost), Number(blockSize), Number(parallelism)] as const;
    const actual = await this.#derive(password, Buffer.from(salt, "base64url"), parameters);
    return timingSafeEqual(actual, expected);
  }

  #derive(password: string, salt: Buffer, [N, r, p]: readonly [number, number, number]): Promise<Buffer> {
    // Composed and decomposed letters are the same password on every keyboard.
    const text = password.normalize("NFKC");
    // OpenSSL counts a little more than the 128·N·r bytes of the algorithm itself.
    return this.#queue.run(() => derive(text, salt, HASH_BYTES, { N, r, p, maxmem: 256 * N * r }));
  }

  #record(salt: Buffer, hash: Buffer): string {
    const encoded = [salt, hash].map((bytes) => bytes.toString("base64url"));
    return ["scrypt", this.#cost, BLOCK_SIZE, PARALLELISM, ...encoded].join("$");
  }
}
