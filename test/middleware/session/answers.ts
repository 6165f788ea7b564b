import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { RequestHandler } from "express";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Everything that Express lets a handler answer with. The session was changed before. */
export const ANSWERS: Readonly<Record<string, RequestHandler>> = {
  json: (_req, res) => void res.json({ ok: true }),
  "a redirect": (_req, res) => res.redirect("/elsewhere"),
  "an empty end": (_req, res) => void res.status(204).end(),
  "a head of its own": (_req, res) => void res.writeHead(201, { "X-Own": "1" }).end("made"),
  "a head with a reason and a list": (_req, res) =>
    void res.writeHead(200, "Fine", ["X-Own", "1"]).end("fine"),
  "flushed headers": (_req, res) => {
    res.flushHeaders();
    setImmediate(() => res.end("late"));
  },
  writes: (_req, res) => {
    res.write("one,");
    setImmediate(() => res.end("two"));
  },
  "a pipe": (_req, res) => void Readable.from(["a", "b", "c"]).pipe(res),
  "a file": (_req, res) => res.sendFile("package.json", { root: ROOT }),
  "server-sent events": (_req, res) => {
    res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
    res.write("data: 1\n\n", () => res.end("data: 2\n\n"));
  },
};
