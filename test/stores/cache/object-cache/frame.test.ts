import { expect } from "chai";
import fc from "fast-check";
import { decodeFrame, encodeFrame, type Frame } from "../../../../stores/cache/object-cache/frame.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
const frames: fc.Arbitrary<Frame> = fc.record({
  storedAt: fc.nat(2 ** 47),
  ttlMs: fc.integer({ min: 1, max: 2 ** 40 }),
  loadMs: fc.nat(),
  stamps: fc.array(fc.record({ tag: text, stamp: text }), { maxLength: 20 }),
  body: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
});

describe("a frame of the object cache", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeFrame(encodeFrame(frame))).to.deep.equal(frame);
      }),
    );
  });

  it("is none where it is torn, or longer than it says", () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, cut) => {
        const bytes = encodeFrame(frame);
        expect(decodeFrame(bytes.subarray(0, cut % bytes.length))).to.equal(undefined);
        expect(decodeFrame(Buffer.concat([bytes, Buffer.from("x")]))).to.equal(undefined);
      }),
    );
  });

  it("is none, and throws nothing, for any other bytes", () => {
    const begun = fc.uint8Array().map((bytes) => Buffer.concat([Buffer.from([0xb7, 1, 0]), bytes]));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
          begun,
        ),
        (bytes) => {
          decodeFrame(bytes);
        },
      ),
    );
    for (const foreign of ["", '{"a":1}', "null", "a text that is longer than a header"]) {
      expect(decodeFrame(Buffer.from(foreign))).to.equal(undefined);
    }
  });

  it("is none in another version", () => {
    const bytes = encodeFrame({ storedAt: 1, ttlMs: 1, loadMs: 1, stamps: [], body: null });
    bytes[1] = 2;
    expect(decodeFrame(bytes)).to.equal(undefined);
  });
});
