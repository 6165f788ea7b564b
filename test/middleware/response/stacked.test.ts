import { expect } from "chai";
import type { RequestHandler } from "express";
import type { Captured } from "../../../middleware/response/capture.ts";
import { ANSWERS, BREAKS } from "./handlers.ts";
import { appOf, receive, type Received } from "./served.ts";
import { capturing, holding, waiting, WRAPPERS } from "./wrappers.ts";

type Name = keyof typeof WRAPPERS;

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [item, ...rest]),
  );
}

/** What a client sees, but for what differs from request to request, and for how the body's length is told. */
function seen({ status, headers, trailers, text, isWhole }: Received): object {
  const { date: _date, "content-length": length, "transfer-encoding": coding, ...others } = headers;
  if (others["set-cookie"]) others["set-cookie"] = ["a cookie"];
  const isFramed = length !== undefined || coding !== undefined;
  // Express prints an error's stack, which names the layers.
  const body = status === 500 ? "" : text.toLowerCase();
  return { status, headers: others, trailers, isWhole, isFramed, body };
}

const withoutOurs = (order: readonly Name[]): Name[] =>
  order.filter((name) => name === "session" || name === "compression");

const known = new Map<string, Promise<Received>>();

/** What a client receives where the others' layers stand alone; the same for many orders. */
function withoutUs(layers: readonly Name[], what: string, handler: RequestHandler): Promise<Received> {
  const id = `${layers.join()} ${what}`;
  const received = known.get(id) ?? receive(appOf(...layers.map((name) => WRAPPERS[name]), handler));
  known.set(id, received);
  return received;
}

describe("a response that is captured and held", () => {
  for (const [what, handler] of Object.entries({ ...ANSWERS, ...BREAKS })) {
    it(`is to its client what Express alone sends: ${what}`, async () => {
      // Node throws for trailers of a response to HEAD.
      for (const method of what.includes("trailers") ? ["GET"] : ["GET", "HEAD"]) {
        const plain = await receive(appOf(handler), { method });
        const { "content-length": plainLength } = plain.headers;
        for (const wrapped of [
          [capturing()],
          [holding()],
          [capturing(), holding()],
          [holding(), capturing()],
          [waiting()],
          [waiting(), holding()],
          [holding(), waiting()],
          [waiting(), capturing()],
          [capturing(), waiting()],
        ]) {
          const received = await receive(appOf(...wrapped, handler), { method });
          expect(seen(received)).to.deep.equal(seen(plain));
          if (plain.status < 400) expect(received.headers["content-length"]).to.equal(plainLength);
        }
      }
    });
  }

  for (const name of ["session", "compression"] as const) {
    it(`is so where it waits, in front of ${name} and behind it`, async () => {
      for (const [what, handler] of Object.entries(sound(ANSWERS))) {
        const plain = await withoutUs([name], what, handler);
        for (const layers of [
          [waiting(), WRAPPERS[name]],
          [WRAPPERS[name], waiting()],
        ]) {
          expect(seen(await receive(appOf(...layers, handler))), what).to.deep.equal(seen(plain));
        }
      }
    });
  }

  for (const order of permutations(Object.keys(WRAPPERS) as Name[])) {
    it(`is so beside other wrappers: ${order.join(", ")}`, async () => {
      for (const [what, handler] of Object.entries(sound(ANSWERS))) {
        const plain = await withoutUs(withoutOurs(order), what, handler);
        const captured: Captured[] = [];
        const layers = order.map((name) =>
          name === "capture" ? capturing((whole) => captured.push(whole)) : WRAPPERS[name],
        );
        const received = await receive(appOf(...layers, handler));
        expect(seen(received), what).to.deep.equal(seen(plain));
        expect(captured.length, what).to.be.at.most(1);
        for (const { body } of captured) {
          expect(String(body).toLowerCase(), what).to.equal(received.text.toLowerCase());
        }
      }
    });
  }
});

/** express-session, once it was given an end that throws, ignores the answer of the error handler. */
function sound(answers: Readonly<Record<string, RequestHandler>>): Record<string, RequestHandler> {
  return Object.fromEntries(Object.entries(answers).filter(([what]) => !what.includes("throws")));
}
