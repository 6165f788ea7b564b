export { responseCache, type ResponseCache, type ResponseCacheMiddleware } from "./response-cache.ts";
export type { ResponseCacheListener } from "./listener.ts";
export type { HttpCacheOptions, ResponseCacheOptions } from "./options.ts";
export type { ResponseCachePurging } from "./purging.ts";
