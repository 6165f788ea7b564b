import { isUtf8 } from "node:buffer";
import { trimBlanks } from "./blanks.ts";

/** What a member of a Dictionary says: RFC 9651 §3.2. Its parameters are read and left out. */
export type DictionaryValue =
  | { readonly kind: "integer"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "other" };

/** Where the text is read, and what is left of it behind `at`. */
interface Cursor {
  readonly text: string;
  at: number;
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?(?:\d{1,12}\.\d{1,3}(?![\d.])|\d{1,15}(?![\d.]))/y;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const BOOLEAN = /\?[01]/y;
const DATE = /@-?\d{1,15}(?![\d.])/y;
const DISPLAY_STRING = /%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y;
const BLANKS = / */y;
const COMMA = /[ \t]*,[ \t]*/y;
const OTHER_ITEMS = [STRING, TOKEN, BYTES, DATE];

/**
 * Reads a Dictionary of RFC 9651 §4.2.2, strictly: undefined for a text that is none, whichever part of it. Of a key
 * that is there twice the last one counts.
 */
export function parseDictionary(text: string): ReadonlyMap<string, DictionaryValue> | undefined {
  const cursor: Cursor = { text: trimSpaces(text), at: 0 };
  const members = new Map<string, DictionaryValue>();
  while (cursor.at < cursor.text.length) {
    const key = take(cursor, KEY);
    if (key === undefined) return undefined;
    const value = takeMemberValue(cursor);
    if (value === undefined || !takeParameters(cursor)) return undefined;
    members.set(key, value);
    if (cursor.at === cursor.text.length) break;
    // A comma at the end announces a member that is not there.
    if (take(cursor, COMMA) === undefined || cursor.at === cursor.text.length) return undefined;
  }
  return members;
}

/** A member without a value is true. */
function takeMemberValue(cursor: Cursor): DictionaryValue | undefined {
  if (!takeText(cursor, "=")) return { kind: "boolean", value: true };
  return cursor.text[cursor.at] === "(" ? takeInnerList(cursor) : takeItem(cursor);
}

function takeItem(cursor: Cursor): DictionaryValue | undefined {
  const boolean = take(cursor, BOOLEAN);
  if (boolean !== undefined) return { kind: "boolean", value: boolean === "?1" };
  const number = take(cursor, NUMBER);
  if (number !== undefined) {
    return number.includes(".") ? { kind: "other" } : { kind: "integer", value: Number(number) };
  }
  const isOther = takeDisplayString(cursor) || OTHER_ITEMS.some((form) => take(cursor, form) !== undefined);
  return isOther ? { kind: "other" } : undefined;
}

/** RFC 9651 §4.2.10: its bytes must be UTF-8. */
function takeDisplayString(cursor: Cursor): boolean {
  const text = take(cursor, DISPLAY_STRING);
  if (text === undefined) return false;
  const bytes = text
    .slice(2, -1)
    .replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return isUtf8(Buffer.from(bytes, "latin1"));
}

function takeInnerList(cursor: Cursor): DictionaryValue | undefined {
  takeText(cursor, "(");
  for (;;) {
    take(cursor, BLANKS);
    if (takeText(cursor, ")")) return { kind: "other" };
    if (!takeItem(cursor) || !takeParameters(cursor)) return undefined;
    if (!/[ )]/.test(cursor.text[cursor.at] ?? "")) return undefined;
  }
}

/** Returns false where there is a ";" without a parameter behind it. */
function takeParameters(cursor: Cursor): boolean {
  while (takeText(cursor, ";")) {
    take(cursor, BLANKS);
    if (take(cursor, KEY) === undefined) return false;
    if (takeText(cursor, "=") && !takeItem(cursor)) return false;
  }
  return true;
}

/** Spaces only: a tab around the whole is an error. */
function trimSpaces(text: string): string {
  const trimmed = trimBlanks(text);
  const start = text.indexOf(trimmed);
  const around = text.slice(0, start) + text.slice(start + trimmed.length);
  return around.includes("\t") ? text : trimmed;
}

function takeText(cursor: Cursor, text: string): boolean {
  if (!cursor.text.startsWith(text, cursor.at)) return false;
  cursor.at += text.length;
  return true;
}

function take(cursor: Cursor, form: RegExp): string | undefined {
  form.lastIndex = cursor.at;
  const found = form.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}
