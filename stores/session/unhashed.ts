/**
 * The requests whose end a middleware takes over: it finds out by itself whether a session has changed. express-session
 * would serialise and hash each session that it loads, for a comparison that it then never makes; of these requests
 * `createSession` spares it that, by giving it an empty text to hash.
 */
export const unhashedRequests: WeakSet<object> = new WeakSet();
