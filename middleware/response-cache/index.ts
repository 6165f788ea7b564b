export {
  responseCache,
  type ResponseCache,
  type ResponseCacheMiddleware,
  type ResponseCachePurging,
} from "./response-cache.ts";
export type { ResponseCacheListener } from "./listener.ts";
export type { HttpCacheOptions, ResponseCacheOptions } from "./options.ts";
