import type { EventChannel } from "../../telemetry/channels.ts";

/** Listens to a channel of the suite for the time of `action`. */
export async function collectEvents<Event>(
  channel: EventChannel<Event>,
  action: () => Promise<unknown>,
): Promise<Event[]> {
  const events: Event[] = [];
  const listener = (event: Event): void => void events.push(event);
  channel.subscribe(listener);
  try {
    await action();
  } finally {
    channel.unsubscribe(listener);
  }
  return events;
}
