export { responseCache, type ResponseCacheMiddleware } from "./response-cache.ts";
export type { HttpCacheOptions, ResponseCacheOptions } from "./options.ts";
