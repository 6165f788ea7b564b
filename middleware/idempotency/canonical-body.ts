import type { Hash } from "node:crypto";

/** What is left to do, the next one last: a value to write, text to write, or an object to leave. */
type Step =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "leave"; readonly object: object };

/** Characters. */
const FLUSHED_AT = 4096;

/**
 * Adds a parsed body to a hash, so that two bodies that mean the same add the same: members of objects are sorted, since
 * a client may write them in another order when it tries again. Without recursion, as a body may be nested deeper than
 * the stack.
 *
 * @throws TypeError for what cannot be told from others of its kind (a Map, a function), and for what contains itself
 */
export function addCanonical(hash: Hash, body: unknown): void {
  const inside = new Set<object>();
  const steps: Step[] = [{ kind: "value", value: body }];
  let pending = "";
  const write = (written: string): void => {
    pending += written;
    // A call for each word would cost more than the hash.
    if (pending.length > FLUSHED_AT) flush();
  };
  const flush = (): void => {
    hash.update(pending);
    pending = "";
  };
  for (let step = steps.pop(); step; step = steps.pop()) {
    if (step.kind === "text") write(step.text);
    else if (step.kind === "leave") inside.delete(step.object);
    else {
      const value = plainOf(step.value);
      if (value instanceof Uint8Array) {
        write(`bytes ${value.length} `);
        flush();
        hash.update(value);
      } else if (typeof value !== "object" || value === null) write(scalarText(value));
      else {
        if (inside.has(value))
          throw new TypeError("idempotency: req.body contains itself; give a fingerprint");
        inside.add(value);
        for (const inner of stepsOf(value).toReversed()) steps.push(inner);
      }
    }
  }
  flush();
}

/** As JSON sees it. */
function plainOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return value;
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  return typeof toJSON === "function" ? toJSON.call(value) : value;
}

function scalarText(value: unknown): string {
  if (typeof value === "function" || typeof value === "symbol") throw unknownKind(`a ${typeof value}`);
  // Numbers that JSON has not (NaN) are themselves, and no big integer is a number.
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "bigint" ? `${value}n` : String(value);
}

function stepsOf(value: object): Step[] {
  const leave: Step = { kind: "leave", object: value };
  if (Array.isArray(value)) {
    const members = value.flatMap((member): Step[] => [{ kind: "value", value: member }, text(",")]);
    return [text("["), ...members, text("]"), leave];
  }
  const tag = Object.prototype.toString.call(value);
  if (tag !== "[object Object]") throw unknownKind(tag);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, member]): Step[] => [
      text(`${JSON.stringify(name)}:`),
      { kind: "value", value: member },
      text(","),
    ]);
  return [text("{"), ...members, text("}"), leave];
}

function text(written: string): Step {
  return { kind: "text", text: written };
}

function unknownKind(what: string): TypeError {
  return new TypeError(`idempotency: req.body has ${what}, which is no JSON; give a fingerprint`);
}
