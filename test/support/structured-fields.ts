/** A Byte Sequence, to tell it from a String. */
export type BareItem = string | number | boolean | Uint8Array | { readonly token: string };

export interface Item {
  readonly value: BareItem;
  readonly parameters: ReadonlyMap<string, BareItem>;
}

/**
 * Reads a List of Items as strictly as RFC 9651 §4.2 asks (without inner lists, dates and display strings, which no
 * field of ours has).
 *
 * @throws SyntaxError for anything else, which by the RFC makes a recipient ignore the whole field
 */
export function parseList(field: string): Item[] {
  const input = new Input(field.replace(/^ +| +$/g, ""));
  const items: Item[] = [];
  while (!input.atEnd()) {
    items.push(parseItem(input));
    input.read(/[ \t]*/y);
    if (input.atEnd()) return items;
    input.expect(",");
    input.read(/[ \t]*/y);
    if (input.atEnd()) throw input.error("a comma ends the list");
  }
  return items;
}

class Input {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  next(): string {
    return this.#text[this.#at] ?? "";
  }

  /** What the sticky expression finds here; undefined where that is nothing. */
  read(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  expect(character: string): void {
    if (this.next() !== character) throw this.error(`no ${character}`);
    this.#at += 1;
  }

  error(what: string): SyntaxError {
    return new SyntaxError(`${what} at ${this.#at} of ${JSON.stringify(this.#text)}`);
  }
}

function parseItem(input: Input): Item {
  const value = parseBareItem(input);
  const parameters = new Map<string, BareItem>();
  while (input.next() === ";") {
    input.expect(";");
    input.read(/ */y);
    const key = input.read(/[a-z*][a-z0-9_.*-]*/y);
    if (key === undefined) throw input.error("no key");
    let parameter: BareItem = true;
    if (input.next() === "=") {
      input.expect("=");
      parameter = parseBareItem(input);
    }
    parameters.set(key, parameter);
  }
  return { value, parameters };
}

function parseBareItem(input: Input): BareItem {
  switch (input.next()) {
    case '"':
      return parseString(input);
    case ":":
      return parseBytes(input);
    case "?":
      return input.read(/\?[01]/y) === "?1";
    default: {
      const number = input.read(/-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y);
      if (number !== undefined) return Number(number);
      const token = input.read(/[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/y);
      if (token === undefined) throw input.error("no item");
      return { token };
    }
  }
}

function parseString(input: Input): string {
  const quoted = input.read(/"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y);
  if (quoted === undefined) throw input.error("no string");
  return quoted.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
}

function parseBytes(input: Input): Uint8Array {
  const encoded = input.read(/:(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?:/y);
  if (encoded === undefined) throw input.error("no byte sequence");
  return Buffer.from(encoded.slice(1, -1), "base64");
}
