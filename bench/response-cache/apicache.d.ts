declare module "apicache" {
  import type { RequestHandler } from "express";

  interface ApiCache {
    newInstance(): ApiCache;
    middleware(duration: string): RequestHandler;
  }
  const apicache: ApiCache;
  export = apicache;
}
