export type { SessionCookieOptions } from "./cookie-options.ts";
export { logIn, logOut, type LogInOptions } from "./log-in.ts";
export type { SessionOptions } from "./options.ts";
export { session } from "./session.ts";
