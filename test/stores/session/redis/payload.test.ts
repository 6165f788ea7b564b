import { randomBytes } from "node:crypto";
import { deflateSync } from "node:zlib";
import { expect } from "chai";
import fc from "fast-check";
import { SessionTooLargeError } from "express-redis-suite/stores/errors";
import { PayloadCodec, type SessionValuesOptions } from "../../../../stores/session/redis/payload.ts";
import { UnreadableValueError } from "../../../../stores/session/redis/unreadable-value.ts";

const ID = `#${"a".repeat(43)}`;
const OTHER = `#${"b".repeat(43)}`;
const [first = "", second = "", third = ""] = Array.from({ length: 3 }, () =>
  randomBytes(32).toString("hex"),
);
const TEXT = '{"originalMaxAge":60000}\n{"userId":"ada","name":"Ada ✓ 𝒜"}';
const LONG = `{"originalMaxAge":null}\n{"text":"${"again and ".repeat(300)}"}`;

/** Every way to keep a value, and the first byte that tells. */
const WAYS: readonly [name: string, options: SessionValuesOptions, text: string, kind: number][] = [
  ["plain", {}, TEXT, 0x7b],
  ["compressed", { compressOverBytes: 100 }, LONG, 1],
  ["encrypted", { keys: [first] }, TEXT, 2],
  ["compressed and encrypted", { keys: [first], compressOverBytes: 100 }, LONG, 3],
];

async function reasonOf(read: () => string | Promise<string>): Promise<string> {
  try {
    await read();
  } catch (error) {
    if (error instanceof UnreadableValueError) return error.reason;
    throw error;
  }
  return "read";
}

describe("the payload of a stored session", () => {
  for (const [name, options, text, kind] of WAYS) {
    describe(name, () => {
      const codec = new PayloadCodec(options);

      it("is read as it was written, and its first byte tells what it is", async () => {
        const bytes = await codec.encode(ID, text);
        expect(bytes[0]).to.equal(kind);
        expect(bytes.length).to.be.at.most(codec.maxStoredBytes);
        expect(await codec.decode(ID, bytes)).to.equal(text);
        expect(await new PayloadCodec(options).decode(ID, bytes)).to.equal(text);
      });

      it("is read cut short at no place, nor with more behind it, as another text", async () => {
        const bytes = await codec.encode(ID, text);
        if (kind === 0x7b) return;
        for (let length = 0; length < bytes.length; length += 1) {
          expect(await reasonOf(() => codec.decode(ID, bytes.subarray(0, length)))).not.to.equal("read");
        }
        if (options.keys) {
          const longer = Buffer.concat([bytes, Buffer.of(0)]);
          expect(await reasonOf(() => codec.decode(ID, longer))).to.equal("not-authentic");
        }
      });
    });
  }

  it("needs no promise unless it is compressed", async () => {
    for (const options of [{}, { keys: [first] }, { compressOverBytes: TEXT.length * 2 }]) {
      const codec = new PayloadCodec(options);
      const bytes = codec.encode(ID, TEXT);
      if (bytes instanceof Promise) throw new Error("encode returned a promise");
      expect(codec.decode(ID, bytes)).to.equal(TEXT);
    }
  });

  it("says nothing of what an encrypted session holds, and is another each time", async () => {
    const codec = new PayloadCodec({ keys: [first] });
    const [one, two] = await Promise.all([codec.encode(ID, TEXT), codec.encode(ID, TEXT)]);
    expect(one.includes("ada")).to.equal(false);
    expect(one.equals(two)).to.equal(false);
  });

  it("cannot be read once any bit of an encrypted one has changed", async () => {
    for (const [, options, text] of WAYS.filter(([, { keys }]) => keys)) {
      const codec = new PayloadCodec({ ...options, readPlain: true });
      const bytes = await codec.encode(ID, text);
      for (let at = 0; at < bytes.length; at += 1) {
        for (let bit = 0; bit < 8; bit += 1) {
          const altered = Buffer.from(bytes);
          altered[at] = (altered[at] ?? 0) ^ (1 << bit);
          expect(await reasonOf(() => codec.decode(ID, altered)), `byte ${at}, bit ${bit}`).not.to.equal(
            "read",
          );
        }
      }
    }
  });

  it("cannot be read under another session's id", async () => {
    for (const [, options, text] of WAYS.filter(([, { keys }]) => keys)) {
      const codec = new PayloadCodec(options);
      const bytes = await codec.encode(ID, text);
      expect(await reasonOf(() => codec.decode(OTHER, bytes))).to.equal("not-authentic");
    }
  });

  it("is read by every key of the ring, and encrypted by the first", async () => {
    const rings = [[first], [second], [first, second], [second, first], [third, second, first], [third]];
    for (const writing of rings) {
      const bytes = await new PayloadCodec({ keys: writing }).encode(ID, TEXT);
      for (const reading of rings) {
        const reason = await reasonOf(() => new PayloadCodec({ keys: reading }).decode(ID, bytes));
        expect(reason).to.equal(reading.includes(String(writing[0])) ? "read" : "unknown-key");
      }
      expect(await reasonOf(() => new PayloadCodec().decode(ID, bytes))).to.equal("unknown-key");
    }
  });

  it("takes a key as text or as bytes: the same bytes are the same key", async () => {
    const bytes = await new PayloadCodec({ keys: [Buffer.from(first)] }).encode(ID, TEXT);
    expect(await new PayloadCodec({ keys: [first] }).decode(ID, bytes)).to.equal(TEXT);
  });

  it("must be encrypted where keys are set, unless sessions from before are let in", async () => {
    for (const [, options, text] of WAYS.filter(([, { keys }]) => !keys)) {
      const bytes = await new PayloadCodec(options).encode(ID, text);
      expect(await reasonOf(() => new PayloadCodec({ keys: [first] }).decode(ID, bytes))).to.equal(
        "not-encrypted",
      );
      const moving = new PayloadCodec({ keys: [first], readPlain: true });
      expect(await moving.decode(ID, bytes)).to.equal(text);
      expect((await moving.encode(ID, text))[0]).to.equal(2);
    }
  });

  it("is compressed over the threshold alone, and only where that makes it shorter", async () => {
    const codec = new PayloadCodec({ compressOverBytes: LONG.length });
    expect((await codec.encode(ID, LONG))[0]).to.equal(0x7b);
    expect((await codec.encode(ID, LONG.replace("again", "again!")))[0]).to.equal(1);
    const random = `{}\n{"r":"${randomBytes(8000)
      .toString("latin1")
      .replaceAll(/["\\\n]/g, "")}"}`;
    const small = new PayloadCodec({ compressOverBytes: 1 });
    expect((await small.encode(ID, "{}\n{}"))[0]).to.equal(0x7b);
    const kept = await small.encode(ID, random);
    expect(kept.length).to.be.at.most(Buffer.byteLength(random));
    expect(await small.decode(ID, kept)).to.equal(random);
  });

  it("has a length, before it is compressed, that is neither written nor read beyond maxBytes", async () => {
    const most = new PayloadCodec({ maxBytes: Buffer.byteLength(LONG), compressOverBytes: 1 });
    const bytes = await most.encode(ID, LONG);
    expect(await most.decode(ID, bytes)).to.equal(LONG);
    const less = new PayloadCodec({ maxBytes: Buffer.byteLength(LONG) - 1, compressOverBytes: 1 });
    expect(() => less.encode(ID, LONG)).to.throw(SessionTooLargeError, String(Buffer.byteLength(LONG)));
    expect(await reasonOf(() => less.decode(ID, bytes))).to.equal("too-large");
    expect(await reasonOf(() => less.decode(ID, Buffer.from(LONG)))).to.equal("too-large");
  });

  it("is not unpacked beyond maxBytes, however much a few bytes would become", async () => {
    const bomb = Buffer.concat([Buffer.of(1), deflateSync(Buffer.alloc(20_000_000, 0x7b))]);
    const before = process.memoryUsage().arrayBuffers;
    expect(await reasonOf(() => new PayloadCodec().decode(ID, bomb.subarray(0, 60_000)))).to.equal(
      "too-large",
    );
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(10_000_000);
  });

  it("is unreadable, whatever stands there, and never another error", async () => {
    const codecs = WAYS.map(([, options]) => new PayloadCodec({ ...options, maxBytes: 10_000 }));
    const kind = fc.constantFrom(0, 1, 2, 3, 4, 0x7a, 0x7b, 0x7c, 0xff);
    await fc.assert(
      fc.asyncProperty(kind, fc.uint8Array({ maxLength: 400 }), async (start, rest) => {
        for (const codec of codecs) await reasonOf(() => codec.decode(ID, Buffer.from([start, ...rest])));
      }),
      { numRuns: 500 },
    );
    for (const codec of codecs) {
      expect(await reasonOf(() => codec.decode(ID, Buffer.alloc(0)))).to.equal("malformed");
    }
  });

  it("keeps any text, whichever way", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 2000 }).map((rest) => `{${rest}`);
    await fc.assert(
      fc.asyncProperty(text, async (whole) => {
        for (const [, options] of WAYS) {
          const codec = new PayloadCodec(options);
          expect(await codec.decode(ID, await codec.encode(ID, whole))).to.equal(whole);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("the options of a session's values", () => {
  const mistakes: readonly [what: object, says: RegExp][] = [
    [{ keys: "x".repeat(32) }, /keys must be a list/],
    [{ keys: [] }, /keys must be a list of one or more/],
    [{ keys: ["s3cret"] }, /keys\[0\] must be .* at least 32 bytes, not of 6$/],
    [{ keys: [first, Buffer.alloc(31)] }, /keys\[1\] must be .* not of 31$/],
    [{ keys: [undefined] }, /is the environment variable set/],
    [{ keys: [42] }, /keys\[0\] must be a string or Buffer/],
    [{ maxBytes: 0 }, /values.maxBytes must be/],
    [{ compressOverBytes: "1" }, /values.compressOverBytes must be/],
    [{ keys: [first], readPlain: "yes" }, /values.readPlain must be true or false/],
    [{ readPlain: true }, /values.keys, which are not set/],
    [{ secret: first }, /unknown option "secret"; use "keys"/],
  ];
  for (const [options, says] of mistakes) {
    it(`are refused by name: ${says.source}`, () => {
      const construct = (): unknown => new PayloadCodec(options);
      expect(construct).to.throw(TypeError, says);
      expect(construct).not.to.throw("s3cret");
      expect(construct).not.to.throw(first);
    });
  }
});
