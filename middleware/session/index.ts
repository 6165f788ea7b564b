export { session, type SessionOptions } from "./session.ts";
