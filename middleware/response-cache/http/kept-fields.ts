import { connectionFields, isOfOneResponse } from "../../response/own-fields.ts";
import { fieldsOf, type FieldList } from "./fields.ts";

/**
 * What becomes of a response that sets a cookie: it is not kept, kept without the cookie, or kept with it, which then is
 * everybody's.
 */
export type SetCookiePolicy = "refuse" | "strip" | "store";

/**
 * The fields that are kept of a response, in their order: not those of the connection, not those that its Connection
 * names, and not what belongs to this one response, nor a cookie unless they are stored. Date is kept: it says when the response was made.
 */
export function keptFields(list: FieldList, setCookie: SetCookiePolicy = "refuse"): FieldList {
  const named = connectionFields(fieldsOf(list)("connection"));
  return list.filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === "set-cookie" && setCookie !== "store") return false;
    // When to ask again is told to the one who asked.
    return !named.has(lower) && lower !== "retry-after" && !isOfOneResponse(lower);
  });
}
