export { responseCache, type ResponseCacheMiddleware, type ResponseCacheOptions } from "./response-cache.ts";
