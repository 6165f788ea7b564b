export {
  channels,
  type Channels,
  type EventChannel,
  type IdempotencyEvent,
  type ObjectCacheEvent,
  type RateLimitEvent,
  type RedisBreakerEvent,
  type ResponseCacheEvent,
  type RouteLockEvent,
  type SessionEvent,
  type StoreEvent,
} from "./channels.ts";
