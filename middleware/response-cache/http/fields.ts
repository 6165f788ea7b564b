/** Reads one field of a message by its lower-case name; several values of it are joined by ", ", absent is undefined. */
export type Fields = (name: string) => string | undefined;

/** The fields of a message in their order, each name in any case and as often as it was sent. */
export type FieldList = readonly (readonly [name: string, value: string | readonly string[]])[];

/** Several lines of one name are one list (RFC 9110 §5.3), whichever case they were written in. */
export function fieldsOf(list: FieldList): Fields {
  const values = new Map<string, string>();
  for (const [name, value] of list) {
    const lines = typeof value === "string" ? [value] : value;
    if (lines.length === 0) continue;
    const lower = name.toLowerCase();
    const before = values.get(lower);
    values.set(lower, (before === undefined ? lines : [before, ...lines]).join(", "));
  }
  return (name) => values.get(name);
}
