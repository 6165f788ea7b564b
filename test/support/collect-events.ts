import type { Channel } from "node:diagnostics_channel";

/** Listens to a channel of the suite for the time of `action`. */
export async function collectEvents<Event>(
  channel: Channel<Event, Event>,
  action: () => Promise<unknown>,
): Promise<Event[]> {
  const events: Event[] = [];
  const listener = (event: unknown): void => void events.push(event as Event);
  channel.subscribe(listener);
  try {
    await action();
  } finally {
    channel.unsubscribe(listener);
  }
  return events;
}
