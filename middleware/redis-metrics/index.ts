export { redisMetrics, type RedisMetrics, type RedisMetricsOptions } from "./redis-metrics.ts";
