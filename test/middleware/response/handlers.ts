import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { RequestHandler } from "express";

/** Everything that Express lets a handler do to a response, by name. Each ends in a whole answer. */
export const ANSWERS: Readonly<Record<string, RequestHandler>> = {
  json: (_req, res) => void res.status(201).json({ ok: true }),
  "json and a second end": (_req, res) => void res.status(201).json({ ok: true }).end(),
  "an end without a body": (_req, res) => void res.end(),
  "an end with text": (_req, res) => void res.end("höllo"),
  "an end with encoded text": (_req, res) => void res.end("68c3b66c6c6f", "hex"),
  "an end with bytes": (_req, res) => void res.end(Buffer.from("bytes")),
  "two sends, of which the second throws": (_req, res) => {
    res.send("first");
    try {
      res.send("second");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_HTTP_HEADERS_SENT") throw error;
    }
  },
  "writes, then an end": (_req, res) => {
    res.write("one,");
    setImmediate(() => {
      res.write(Buffer.from("two,"));
      res.end("three");
    });
  },
  "a head with an object": (_req, res) => {
    res.writeHead(203, { "X-Raw": "yes", "Content-Type": "text/plain" }).end("raw");
  },
  "a head with a reason and a list": (_req, res) => {
    res.writeHead(200, "Fine", ["X-Raw", "yes", "Content-Type", "text/plain"]).end("raw");
  },
  "a length of its own": (_req, res) => void res.set("Content-Length", "4").end("four"),
  "a length, then pieces": (_req, res) => {
    res.set("Content-Length", "6").write("abc");
    setImmediate(() => res.end("def"));
  },
  trailers: (_req, res) => {
    res.set("Trailer", "X-Sum").write("summed");
    res.addTrailers({ "X-Sum": "42" });
    res.end();
  },
  "trailers with an end alone": (_req, res) => {
    res.set("Trailer", "X-Sum");
    res.addTrailers({ "X-Sum": "42" });
    res.end("summed");
  },
  "a pipe": (_req, res) => void Readable.from(["a", "b", "c"]).pipe(res.type("text")),
  "an empty pipe": (_req, res) => void Readable.from([]).pipe(res.type("text")),
  "a file": (_req, res) => {
    res.sendFile("package.json", { root: fileURLToPath(new URL("../../../", import.meta.url)) });
  },
  "a 204": (_req, res) => void res.status(204).end(),
  "a 204 with a body that Node drops": (_req, res) => void res.status(204).end("dropped"),
  "a 304": (_req, res) => void res.status(304).end(),
  "a redirect": (_req, res) => res.redirect("/elsewhere"),
  "flushed headers": (_req, res) => {
    res.flushHeaders();
    setImmediate(() => res.end("late"));
  },
  "an error before the first byte": () => {
    throw new Error("broken before");
  },
  "an end that throws": (_req, res) => void res.end({} as string),
  "a status that throws": (_req, res) => {
    res.statusCode = 99;
    res.end("never");
  },
  "a header that throws": (_req, res) => void res.writeHead(200, { "X-Bad": "a\nb" }).end("never"),
};

/** What leaves its client with less than a whole answer. */
export const BREAKS: Readonly<Record<string, RequestHandler>> = {
  "an error after the first byte": (_req, res, next) => {
    res.set("Content-Length", "10").write("half", () => next(new Error("broken after")));
  },
  "a response that is destroyed": (_req, res) => {
    res.set("Content-Length", "10").write("half", () => res.destroy());
  },
  "a pipe that breaks": (_req, res, next) => {
    const broken = Readable.from(
      (async function* () {
        yield "half";
        throw new Error("broken source");
      })(),
    );
    broken.on("error", next).pipe(res);
  },
};
