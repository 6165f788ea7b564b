import { expect } from "chai";
import type { RequestHandler } from "express";
import expressSession from "express-session";
import type { CacheFill } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import helmet from "helmet";
import { eventually } from "../../support/eventually.ts";
import { cached, countUp, hit, send, type Cached } from "./cached-app.ts";

/** Sets headers outside of the cache. */
const outside =
  (set: (res: Parameters<RequestHandler>[1]) => unknown): RequestHandler =>
  (_req, res, next) => {
    set(res);
    next();
  };

/** A store that says when something was kept. */
function watchedStore(): { store: MemoryCacheStore; kept: () => number } {
  const store = new MemoryCacheStore();
  const fill = store.fill.bind(store);
  let kept = 0;
  store.fill = (...args) => {
    kept += 1;
    return fill(...args);
  };
  return { store, kept: () => kept };
}

/** Sends two requests of different people, and waits until what could have been kept of the first is. */
async function expectNotKept({ app, runs }: Cached, kept: () => number): Promise<void> {
  await send(app);
  // The response is kept as it finishes, which its client may see a little earlier.
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await send(app)).get("Cache-Status")).not.to.contain("hit");
  expect([runs(), kept()]).to.deep.equal([2, 0]);
}

/** From the time that this file was read: a process warns once, and a test of another file may be first. */
const warned: unknown[] = [];
process.on("warning", ({ code }: NodeJS.ErrnoException) => {
  if (code === "ERS_CACHE_AFTER_SESSION") warned.push(code);
});

describe("responseCache, of what is not everybody's", () => {
  const layers: Record<string, RequestHandler> = {
    "sets a cookie": outside((res) => res.cookie("a", "b")),
    "sets two cookies, to which the handler adds a third": outside((res) =>
      res.cookie("a", "b").cookie("c", "d"),
    ),
    "says no-store": outside((res) => res.set("Cache-Control", "no-store")),
    "says private": outside((res) => res.set("Cache-Control", "private, max-age=60")),
    "says that it varies with what nobody knows": outside((res) => res.vary("*")),
    "sets a cookie as the head goes out": (_req, res, next) => {
      const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => typeof res;
      res.writeHead = ((...args: unknown[]) => {
        res.append("Set-Cookie", "late=1");
        return writeHead(...args);
      }) as typeof res.writeHead;
      next();
    },
  };
  for (const [what, layer] of Object.entries(layers)) {
    it(`keeps nothing where a layer outside ${what}`, async () => {
      const { store, kept } = watchedStore();
      const handler: RequestHandler = (_req, res) => {
        // Node adds to the very list that stood before.
        if (what.includes("adds")) res.appendHeader("Set-Cookie", "mine=secret");
        res.send("mine");
      };
      await expectNotKept(cached(handler, { store }, [layer]), kept);
    });
  }

  const handlers: Record<string, RequestHandler> = {
    "sets a cookie in its head": (_req, res) => void res.writeHead(200, { "Set-Cookie": "a=b" }).end("mine"),
    "may be shared for no time": (_req, res) =>
      void res.set("Cache-Control", "max-age=60, s-maxage=0").end("mine"),
    "says private in the list of its head": (_req, res) =>
      void res.writeHead(200, ["Cache-Control", "private"]).end("mine"),
    "is a stream of events that ends": (_req, res) => void res.type("text/event-stream").end("data: 1\n\n"),
    "has another length than it says": (_req, res) => void res.set("Content-Length", "4").end("mi"),
  };
  for (const [what, handler] of Object.entries(handlers)) {
    it(`keeps nothing of a response that ${what}`, async () => {
      const { store, kept } = watchedStore();
      const { app } = cached(handler, { store });
      // One of them is cut off.
      await send(app).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(kept()).to.equal(0);
    });
  }

  it("gives each client its own headers of the layers outside, quota and security", async () => {
    let requests = 0;
    const { app } = cached(
      (_req, res) => {
        // Of the handler's own, these too are one request's.
        res.set({ "X-RateLimit-Remaining": "7", "RateLimit-Reset": "3", "X-Made-By": "handler" });
        res.json({ ok: true });
      },
      { store: new MemoryCacheStore() },
      [helmet(), outside((res) => res.set({ "X-Request-Id": String(++requests), "RateLimit-Limit": "9" }))],
    );
    const first = await send(app);
    const second = await hit(app);
    expect(second.get("X-Request-Id")).not.to.equal(first.get("X-Request-Id"));
    expect(second.get("Content-Security-Policy")).to.equal(first.get("Content-Security-Policy"));
    expect(second.get("X-Made-By")).to.equal("handler");
    expect(second.headers).not.to.have.any.keys("x-ratelimit-remaining", "ratelimit-reset");
    expect(second.get("RateLimit-Limit")).to.equal("9");
  });

  it("keeps no header of a layer outside in the store", async () => {
    const { app } = cached(
      countUp,
      {
        store: Object.assign(new MemoryCacheStore(), {
          fill: async (_key: string, { value }: CacheFill) => frames.push(String(value)) > 0,
        }),
      },
      [helmet(), outside((res) => res.set("X-Request-Id", "1"))],
    );
    const frames: string[] = [];
    await send(app);
    await eventually(() => expect(frames).to.have.length(1));
    expect(frames[0]).to.contain("content-type");
    expect(frames[0]).not.to.match(/content-security-policy|x-request-id|strict-transport/);
  });
});

describe("responseCache, behind a session", () => {
  const session = (): RequestHandler =>
    expressSession({ secret: "s", resave: false, saveUninitialized: false });

  it("gives nobody another one's page, and warns once with a code", async () => {
    const { store, kept } = watchedStore();
    const page = cached((req, res) => void res.send(`page of ${req.sessionID}`), { store }, [session()]);
    await expectNotKept(page, kept);
    expect((await send(page.app)).get("Cache-Status")).to.equal("cache; fwd=bypass; detail=session");
    await eventually(() => expect(warned).to.deep.equal(["ERS_CACHE_AFTER_SESSION"]));
  });

  it("keeps no goodbye of a session that its page has ended", async () => {
    const { store, kept } = watchedStore();
    const inner = session();
    const page = cached(
      (req, res) => inner(req, res, () => void req.session.destroy(() => void res.send("goodbye"))),
      { store },
    );
    await expectNotKept(page, kept);
  });

  it("keeps no page that was made with a session of a layer inside", async () => {
    const { store, kept } = watchedStore();
    const inner = session();
    const page = cached((req, res) => inner(req, res, () => void res.send("mine")), { store });
    await expectNotKept(page, kept);
  });
});
