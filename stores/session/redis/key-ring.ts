import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { UnreadableValueError } from "./unreadable-value.ts";

const SHORTEST_SECRET_BYTES = 32;
/** Never changed: what it derives would no longer open what is stored. */
const INFO = "express-redis-suite session value v1";
const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

/** How much longer a value becomes. */
export const SEAL_BYTES: number = KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

/** Where a value belongs; it opens nowhere else. */
export interface Place {
  readonly storedId: string;
  /** What else is to be as it was when the value was sealed. */
  readonly kind: number;
}

/**
 * Seals values by AES-256-GCM: `key id (8) nonce (12) ciphertext tag (16)`. The first key seals, all open.
 *
 * Each session has an AES key of its own, derived from the ring's by its stored id. NIST SP 800-38D §8.3 allows a key
 * 2^32 random nonces, which all sessions of a busy site together would have spent within weeks.
 */
export class KeyRing {
  readonly #keys = new Map<string, Buffer>();
  readonly #sealingId: Buffer;
  readonly #sealingKey: Buffer;

  /** @throws TypeError for no keys, or one of less than 32 bytes; it does not repeat the key */
  constructor(secrets: readonly (string | Uint8Array)[]) {
    assertSecrets(secrets);
    const rings = secrets.map((secret) => {
      const key = Buffer.from(hkdfSync("sha256", secret, "", INFO, KEY_BYTES));
      return { key, id: createHash("sha256").update(key).digest().subarray(0, KEY_ID_BYTES) };
    });
    for (const { key, id } of rings) this.#keys.set(id.toString("latin1"), key);
    const [first] = rings as [(typeof rings)[number]];
    this.#sealingId = first.id;
    this.#sealingKey = first.key;
  }

  seal(text: Uint8Array, place: Place): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, keyOf(this.#sealingKey, place), nonce);
    cipher.setAAD(associated(this.#sealingId, place));
    return Buffer.concat([this.#sealingId, nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws UnreadableValueError for what none of the keys has sealed for this place, or is not as it was */
  open(sealed: Buffer, place: Place): Buffer {
    if (sealed.length < SEAL_BYTES) throw new UnreadableValueError("malformed");
    const id = sealed.subarray(0, KEY_ID_BYTES);
    const key = this.#keys.get(id.toString("latin1"));
    if (!key) throw new UnreadableValueError("unknown-key");
    const textAt = KEY_ID_BYTES + NONCE_BYTES;
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, keyOf(key, place), sealed.subarray(KEY_ID_BYTES, textAt), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associated(id, place));
    decipher.setAuthTag(sealed.subarray(tagAt));
    const text = decipher.update(sealed.subarray(textAt, tagAt));
    try {
      decipher.final();
    } catch (error) {
      throw new UnreadableValueError("not-authentic", { cause: error });
    }
    return text;
  }
}

/** RFC 5869 §2.3: one block of HKDF-Expand is an HMAC. */
function keyOf(key: Buffer, { storedId }: Place): Buffer {
  return createHmac("sha256", key).update(storedId).digest();
}

function associated(keyId: Buffer, { kind, storedId }: Place): Buffer {
  return Buffer.concat([Buffer.of(kind), keyId, Buffer.from(storedId)]);
}

function assertSecrets(secrets: unknown): void {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new TypeError(
      "values.keys must be a list of one or more secrets, the first of which encrypts: [process.env.SESSION_KEY]",
    );
  }
  for (const [at, secret] of (secrets as unknown[]).entries()) {
    const what = `values.keys[${at}] must be a string or Buffer of at least ${SHORTEST_SECRET_BYTES} bytes`;
    if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
      const missing = secret === undefined ? ": is the environment variable set that it comes from?" : "";
      throw new TypeError(`${what}${missing}`);
    }
    const bytes = Buffer.byteLength(secret);
    if (bytes < SHORTEST_SECRET_BYTES) throw new TypeError(`${what}, not of ${bytes}`);
  }
}
