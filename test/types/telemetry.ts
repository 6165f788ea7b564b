import {
  channels,
  type Channels,
  type EventChannel,
  type IdempotencyEvent,
  type ObjectCacheEvent,
  type RateLimitEvent,
  type RedisBreakerEvent,
  type ResponseCacheEvent,
  type RouteLockEvent,
  type SessionChangeEvent,
  type SessionEvent,
  type SessionSaveEvent,
  type StoreEvent,
} from "express-redis-suite/telemetry";
import { exactly } from "./exactly.ts";

// Every subscriber gets the type of its channel.
channels.rateLimit.subscribe((event) => exactly<RateLimitEvent>()(event));
channels.objectCache.subscribe((event) => exactly<ObjectCacheEvent>()(event));
channels.responseCache.subscribe((event) => exactly<ResponseCacheEvent>()(event));
channels.routeLock.subscribe((event) => exactly<RouteLockEvent>()(event));
channels.idempotency.subscribe((event) => exactly<IdempotencyEvent>()(event));
channels.session.subscribe((event) => exactly<SessionEvent>()(event));
channels.sessionSave.subscribe((event) => exactly<SessionSaveEvent>()(event));
channels.sessionChange.subscribe((event) => exactly<SessionChangeEvent>()(event));
channels.store.subscribe((event) => exactly<StoreEvent>()(event));
channels.redisBreaker.subscribe(({ client, state }, name) => {
  exactly<string>()(client);
  exactly<"open" | "closed">()(state);
  exactly<string | symbol>()(name);
});

const all: Channels = channels;
const breaker: EventChannel<RedisBreakerEvent> = all.redisBreaker;
const note = (event: RedisBreakerEvent): void => void event.state;
breaker.subscribe(note);
exactly<boolean>()(breaker.unsubscribe(note));
exactly<boolean>()(breaker.hasSubscribers);
exactly<string>()(breaker.name);
breaker.publish({ client: "redis", state: "open" });
// @ts-expect-error: not a message of this channel
breaker.publish({ client: "redis", state: "half-open" });
// @ts-expect-error: not a subscriber of this channel
breaker.subscribe((event: RateLimitEvent) => event.limiter);
