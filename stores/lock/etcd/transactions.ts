import type { ICompare, IRequestOp } from "etcd3";
import type { NameRange } from "./names.ts";

/** What transactions are made of: conditions, then what is done where they hold, or else. */

export function nothingIn(range: NameRange): ICompare {
  return { ...bounds(range), target: "Create", result: "Equal", create_revision: 0 };
}

/** Nothing has come since `revision`; what has left or was written anew meanwhile does not matter. */
export function nothingNewIn(range: NameRange, revision: number): ICompare {
  return { ...bounds(range), target: "Create", result: "Less", create_revision: revision + 1 };
}

/** The key is there as it was written at `revision`. */
export function isAt(name: string, revision: number): ICompare {
  return { key: Buffer.from(name), target: "Mod", result: "Equal", mod_revision: revision };
}

export function exists(name: string): ICompare {
  return { key: Buffer.from(name), target: "Create", result: "Greater", create_revision: 0 };
}

export function put(name: string, value: string, lease: string): IRequestOp {
  return { request_put: { key: Buffer.from(name), value: Buffer.from(value), lease } };
}

export function remove(name: string): IRequestOp {
  return { request_delete_range: { key: Buffer.from(name) } };
}

export function get(name: string): IRequestOp {
  return { request_range: { key: Buffer.from(name) } };
}

export function getAll(range: NameRange): IRequestOp {
  return { request_range: bounds(range) };
}

/** In the form that etcd has for it. */
export function bounds({ from, to }: NameRange): { readonly key: Buffer; readonly range_end: Buffer } {
  return { key: Buffer.from(from), range_end: Buffer.from(to) };
}
