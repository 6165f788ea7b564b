export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads Server-Sent Events from an answer of `fetch`. `EventSource` would hide the status and the headers of a refusal,
 * and would reconnect, which starts a replay anew.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let unread = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (unread + decoder.decode(value, { stream: true }))
        .replaceAll("\r\n", "\n")
        .split("\n\n");
      unread = blocks.pop() ?? "";
      // A block without data, such as a comment that keeps the connection alive, is no event.
      for (const block of blocks) if (/^data/m.test(block)) yield parseBlock(block);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseBlock(block: string): ServerEvent {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
  return { event, data: data.join("\n") };
}
