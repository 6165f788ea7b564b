import type { Express } from "express";
import type { CaseRedis, HttpCase } from "../harness/http-case.ts";
import {
  apicacheInMemory,
  bentocache,
  byHand,
  cacheable,
  oursInMemory,
  oursInRedis,
  oursMissing,
  ready,
  uncached,
} from "./apps.ts";
import { SIZES, type Size } from "./bodies.ts";

export const READY = "res.end(Buffer)";
export const READY_AGAIN = "res.end(Buffer) (control)";
export const JSON_ANEW = "res.json";
export const IN_MEMORY = "ours, in memory";
export const IN_REDIS = "ours, in Redis";
export const MISSING = "ours, each a miss";
export const BY_HAND = "GETBUFFER by hand";
export const APICACHE = "apicache, in memory";

const APPS: Readonly<Record<string, (redis: CaseRedis, size: Size) => Promise<Express>>> = {
  [READY]: (_redis, size) => ready(size),
  [JSON_ANEW]: (_redis, size) => uncached(size),
  [IN_MEMORY]: (_redis, size) => oursInMemory(size),
  [APICACHE]: (_redis, size) => apicacheInMemory(size),
  [IN_REDIS]: oursInRedis,
  [BY_HAND]: byHand,
  [MISSING]: oursMissing,
  "cacheable, in memory": (_redis, size) => cacheable(size),
  "bentocache, in memory": (_redis, size) => bentocache(size),
  [READY_AGAIN]: (_redis, size) => ready(size),
};

export function caseName(size: Size, name: string): string {
  return `${size}: ${name}`;
}

export function casesOf(size: Size): readonly HttpCase[] {
  return Object.entries(APPS).map(([name, app]) => ({
    name: caseName(size, name),
    status: 200,
    app: (redis) => app(redis, size),
  }));
}

export const cases: readonly HttpCase[] = (Object.keys(SIZES) as Size[]).flatMap(casesOf);
