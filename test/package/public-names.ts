interface PublicModule {
  /** All that it exports at run time. */
  readonly names: readonly string[];
  /** Peers that it cannot be imported without. */
  readonly peers?: readonly string[];
}

/** Every subpath of package.json's `exports`: what an importer of it finds there and has to have installed. */
export const PUBLIC_MODULES: Readonly<Record<string, PublicModule>> = {
  "./redis": {
    names: [
      "close",
      "createEmbeddedRedis",
      "createGuard",
      "createRedis",
      "defineScript",
      "health",
      "parseRedisUrl",
    ],
    peers: ["ioredis"],
  },
  "./stores": { names: ["redisStores"], peers: ["connect-redis"] },
  "./stores/errors": {
    names: [
      "EmbeddedRedisError",
      "LoadTimeoutError",
      "LockLostError",
      "RedisConnectError",
      "ScoreOutOfRangeError",
      "StoreTimeoutError",
      "StoreUnavailableError",
    ],
  },
  "./stores/rate-limit/contract": { names: [] },
  "./stores/rate-limit/policy-set": { names: ["assertPolicySet", "policySet"] },
  "./stores/rate-limit/memory": { names: ["MemoryRateLimitStore"] },
  "./stores/rate-limit/redis": { names: ["RedisRateLimitStore"] },
  "./stores/rate-limit/guarded": { names: ["GuardedRateLimitStore"] },
  "./stores/rate-limit/leased": { names: ["LeasedRateLimitStore"] },
  "./stores/rate-limit/express-rate-limit": { names: ["expressRateLimitStore"] },
  "./stores/cache/contract": { names: ["STAMP_LIFE_MS"] },
  "./stores/cache/memory": { names: ["MemoryCacheStore"] },
  "./stores/cache/redis": { names: ["RedisCacheStore"] },
  "./stores/cache/tiered": { names: ["TieredCacheStore"] },
  "./stores/cache/object-cache": { names: ["ObjectCache"] },
  "./stores/cache/bloom-guard": { names: ["BloomGuard"] },
  "./stores/lock/contract": { names: [] },
  "./stores/lock/lock-manager": { names: ["LockManager", "assertLockTtlMs"] },
  "./stores/lock/memory": { names: ["MemoryLockStore"] },
  "./stores/lock/redis": { names: ["RedisLockStore"] },
  "./stores/session/redis": { names: ["RedisSessionStore"], peers: ["connect-redis"] },
  "./stores/leaderboard/redis": { names: ["RedisLeaderboard"] },
  "./rate-limit": {
    names: [
      "addressKey",
      "chargeWhen",
      "clientKey",
      "delayUpTo",
      "denyAddresses",
      "draft6Headers",
      "failed",
      "fromAddresses",
      "ietfHeaders",
      "legacyHeaders",
      "perDay",
      "perHour",
      "perMinute",
      "perSecond",
      "policySet",
      "rateLimit",
      "refundWhen",
      "successful",
    ],
  },
  "./session": { names: ["session"], peers: ["express-session"] },
  "./response-cache": { names: ["responseCache"] },
  "./route-lock": { names: ["routeLock"] },
  "./redis-metrics": { names: ["redisMetrics"], peers: ["prom-client"] },
  "./cross-origin-protection": { names: ["crossOriginProtection"] },
  "./problem": { names: ["sendProblem"] },
  "./health": { names: ["healthEndpoints"] },
  "./telemetry": { names: ["channels"] },
};
