/** Turns values into bytes and back. */
export interface ObjectCodec<Value> {
  /** What it throws is a mistake of the program, and reaches whoever wrote or loaded the value. */
  encode(value: Value): Buffer;
  /** Throws, or returns undefined, for bytes that it cannot read: the value is then missing. */
  decode(bytes: Buffer): Value;
}

/** As `JSON.stringify` has it: a Date comes back as a string, a Map as `{}`. */
export function jsonCodec<Value>(): ObjectCodec<Value> {
  return {
    encode(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) throw new TypeError(`JSON has no form of a ${typeof value}; give a codec`);
      return Buffer.from(text);
    },
    decode: (bytes) => JSON.parse(bytes.toString()) as Value,
  };
}
