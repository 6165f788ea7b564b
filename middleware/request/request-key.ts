/**
 * Makes the reader of a user's `key` function. What the function throws, and what it returns instead of a string, is a
 * mistake that goes to Express's error handler, never an outage of the store: `undefined` would file every request
 * under one key.
 *
 * Returns a string where the function does, so that a key that needs no waiting costs no turn of the microtask queue.
 *
 * @param owner the middleware, which begins the error's message
 * @param option the function's name among the options
 * @throws TypeError for anything but a function; the reader throws, or rejects with, a TypeError for anything but a
 * string
 */
export function requestKey<Req>(
  owner: string,
  key: (req: Req) => string | Promise<string>,
  option = "key",
): (req: Req) => string | Promise<string> {
  if (typeof key !== "function") throw new TypeError(`${owner}: ${option} must be a function of the request`);
  return (req) => {
    const read: unknown = key(req);
    return typeof read === "string" ? read : awaited(`${owner}: ${option}`, read);
  };
}

/**
 * As {@link requestKey}, for keys of which there may be several.
 *
 * @throws TypeError for anything but a function; the reader throws, or rejects with, a TypeError for anything but a
 * string or a list of at least one
 */
export function requestKeys<Req>(
  owner: string,
  key: (req: Req) => string | readonly string[] | Promise<string | readonly string[]>,
): (req: Req) => Promise<string | readonly string[]> {
  if (typeof key !== "function") throw new TypeError(`${owner}: key must be a function of the request`);
  return async (req) => {
    const keys: unknown = await key(req);
    if (!Array.isArray(keys)) return awaited(`${owner}: key`, keys);
    if (keys.length > 0 && keys.every((one) => typeof one === "string")) return keys;
    throw new TypeError(`${owner}: key must return a string, or a list of at least one string`);
  };
}

async function awaited(what: string, promised: unknown): Promise<string> {
  const key = await promised;
  if (typeof key === "string") return key;
  throw new TypeError(`${what} must return a string, not ${key === null ? "null" : typeof key}`);
}
