import { promisify } from "node:util";
import { deflate, inflate } from "node:zlib";
import { SessionTooLargeError } from "../../errors.ts";
import { assertCount, assertFlag, assertOptionNames } from "../../options.ts";
import { KeyRing, SEAL_BYTES } from "./key-ring.ts";
import { UnreadableValueError } from "./unreadable-value.ts";

export interface SessionValuesOptions {
  /**
   * Encrypts what sessions hold, by AES-256-GCM. Each is a secret of 32 random bytes or more (a string counts in UTF-8),
   * not a password. The first encrypts, all decrypt: to rotate, put the new one last everywhere, then first, and take the
   * old one out once the longest session is over; whoever has a session of a key that is gone is logged out.
   *
   * Whoever can read Redis then learns no session's content, and whoever can write to it can neither make up or alter
   * one, nor move it to another session's key. Times, ids' hashes and the hash of the user's id stay as they are, and an
   * earlier value of the same session can be put back. Default: not encrypted.
   */
  readonly keys?: readonly (string | Uint8Array)[];
  /**
   * Reads sessions that are not encrypted though `keys` is set; each is encrypted as it is saved next. For the days after
   * `keys` was set first, and no longer: meanwhile whoever can write to Redis can put in a session that they made up,
   * which is why it is not the default. Without it those sessions have ended.
   */
  readonly readPlain?: boolean;
  /**
   * Compresses (zlib, in another thread) sessions that are longer, bytes, where that makes them shorter. Default: none,
   * since it costs a request more than the few bytes of a usual session do. Not for sessions that hold a secret beside
   * text of a client's choice, where encrypted values' lengths can be seen: they tell how much the two have in common.
   */
  readonly compressOverBytes?: number;
  /**
   * The longest session, bytes of its JSON in UTF-8, before it is compressed; a longer one is not stored
   * (`SessionTooLargeError`), and not read. Default 65,536: each request loads all of it.
   */
  readonly maxBytes?: number;
}

/** As in `{`, with which every plain value begins. */
const PLAIN = 0x7b;
/** The first byte of a value that is not plain: what was done to it. */
const COMPRESSED = 1;
const ENCRYPTED = 2;

const SIXTY_FOUR_KIB = 65_536;
const LONGEST_BYTES = 2 ** 28;

const RENAMED = {
  key: 'use "keys", a list',
  secret: 'use "keys", a list',
  secrets: 'use "keys"',
  compress: 'use "compressOverBytes"',
  maxSize: 'use "maxBytes"',
};

const compress = promisify(deflate) as (bytes: Uint8Array) => Promise<Buffer>;
const decompress = promisify(inflate) as (
  bytes: Uint8Array,
  options: { maxOutputLength: number },
) => Promise<Buffer>;

/**
 * How a session's text is kept: as it is (`{…`), or after one byte that tells whether it is compressed (1) and encrypted
 * (2), or both (3). A promise is returned only where there is something to wait for, which is compression.
 */
export class PayloadCodec {
  /** The longest value that `encode` returns, and `decode` reads: what longer ones are need not be fetched to know. */
  readonly maxStoredBytes: number;
  /** The longest text. */
  readonly maxBytes: number;
  readonly #keys: KeyRing | undefined;
  readonly #readsPlain: boolean;
  readonly #compressOverBytes: number;

  /** @throws TypeError for an option that is unknown or invalid; it repeats no key */
  constructor(options: SessionValuesOptions = {}) {
    assertOptionNames(
      "RedisSessionStore: values",
      options,
      ["keys", "readPlain", "compressOverBytes", "maxBytes"],
      RENAMED,
    );
    const { keys, readPlain, compressOverBytes, maxBytes = SIXTY_FOUR_KIB } = options;
    assertFlag(readPlain, "values.readPlain");
    if (compressOverBytes !== undefined) assertCount(compressOverBytes, "values.compressOverBytes");
    assertCount(maxBytes, "values.maxBytes", LONGEST_BYTES);
    if (readPlain === true && keys === undefined) {
      throw new TypeError("values.readPlain is for moving to values.keys, which are not set");
    }
    this.#keys = keys === undefined ? undefined : new KeyRing(keys);
    this.#readsPlain = !this.#keys || readPlain === true;
    this.#compressOverBytes = compressOverBytes ?? Infinity;
    this.maxBytes = maxBytes;
    this.maxStoredBytes = maxBytes + (this.#keys ? 1 + SEAL_BYTES : 0);
  }

  /**
   * @param storedId whose session it is; what is encrypted can be read under this id alone
   * @param text begins with `{`
   * @throws SessionTooLargeError for a text longer than `maxBytes`
   */
  encode(storedId: string, text: string): Buffer | Promise<Buffer> {
    const plain = Buffer.from(text);
    if (plain.length > this.maxBytes) {
      throw new SessionTooLargeError(
        `the session is ${plain.length} bytes long, and values.maxBytes is ${this.maxBytes}`,
      );
    }
    if (plain.length <= this.#compressOverBytes) return this.#seal(storedId, 0, plain);
    return compress(plain).then((short) =>
      // With the byte that tells: else a value could come out longer than it went in.
      short.length + 1 < plain.length
        ? this.#seal(storedId, COMPRESSED, short)
        : this.#seal(storedId, 0, plain),
    );
  }

  /**
   * The text that `encode` was given.
   *
   * @throws UnreadableValueError for what `encode` has not returned for this stored id, or can no longer be decrypted
   */
  decode(storedId: string, bytes: Buffer): string | Promise<string> {
    if (bytes.length > this.maxStoredBytes) throw new UnreadableValueError("too-large");
    const [kind] = bytes;
    if (kind === PLAIN) {
      if (!this.#readsPlain) throw new UnreadableValueError("not-encrypted");
      return this.#textOf(bytes);
    }
    if (kind === undefined || kind < COMPRESSED || kind > (COMPRESSED | ENCRYPTED)) {
      throw new UnreadableValueError("malformed");
    }
    const content = this.#open(storedId, kind, bytes.subarray(1));
    return kind & COMPRESSED ? this.#decompressed(content) : this.#textOf(content);
  }

  #seal(storedId: string, compressed: number, content: Buffer): Buffer {
    if (!this.#keys) return compressed ? Buffer.concat([Buffer.of(compressed), content]) : content;
    const kind = compressed | ENCRYPTED;
    return Buffer.concat([Buffer.of(kind), this.#keys.seal(content, { storedId, kind })]);
  }

  #open(storedId: string, kind: number, content: Buffer): Buffer {
    if (kind & ENCRYPTED) {
      if (!this.#keys) throw new UnreadableValueError("unknown-key");
      return this.#keys.open(content, { storedId, kind });
    }
    if (!this.#readsPlain) throw new UnreadableValueError("not-encrypted");
    return content;
  }

  async #decompressed(content: Buffer): Promise<string> {
    let text: Buffer;
    try {
      text = await decompress(content, { maxOutputLength: this.maxBytes });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === "ERR_BUFFER_TOO_LARGE" ? "too-large" : "malformed";
      throw new UnreadableValueError(reason, { cause: error });
    }
    return this.#textOf(text);
  }

  #textOf(bytes: Buffer): string {
    if (bytes.length > this.maxBytes) throw new UnreadableValueError("too-large");
    return bytes.toString();
  }
}
