import { ServerResponse } from "node:http";
import { Writable } from "node:stream";
import type { Response } from "express";

/**
 * Makes a response that has been sent a fresh one that nobody reads, so that the layers inside can run once more for
 * the same request, after its client has been answered. Express hands one and the same object on to all of them, so it
 * is that object which becomes a new response: each method and property of Node's leads to a second one, whose
 * connection takes every byte and keeps none.
 *
 * What the layers outside have put in place of `write` and `end` is not called again: for them the response is over.
 */
export function detachResponse(res: Response): void {
  const twin = new ServerResponse(res.req);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  twin.assignSocket(nowhere as unknown as NonNullable<ServerResponse["socket"]>);
  spareConnection(res, twin);
  // Where a server does so, there is none.
  twin.once("finish", () => process.nextTick(() => twin.emit("close")));
  for (const [name, isMethod] of membersOf(twin)) {
    const descriptor = isMethod ? forwardedMethod(res, twin, name) : forwardedProperty(twin, name);
    Object.defineProperty(res, name, { configurable: true, ...descriptor });
  }
}

/**
 * Who cuts the connection now, as a proxy does and Express itself for an error after the head, cuts the new response
 * only: the connection may be sending the next request's.
 */
function spareConnection({ req }: Response, twin: ServerResponse): void {
  // Others may put their own in its place, as on any connection.
  const cut = { configurable: true, writable: true, value: () => void twin.destroy() };
  const socket = Object.create(req.socket, {
    destroy: cut,
    destroySoon: cut,
    resetAndDestroy: cut,
    end: cut,
  });
  Object.defineProperty(req, "socket", { configurable: true, writable: true, value: socket });
}

/** All of Node's own members, methods of streams and emitters among them; `req` and `constructor` stay. */
function membersOf(twin: ServerResponse): Map<string, boolean> {
  const members = new Map<string, boolean>();
  for (
    let level: object | null = twin;
    level && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (!members.has(name)) members.set(name, typeof value === "function");
    }
  }
  members.delete("constructor");
  members.delete("req");
  return members;
}

function forwardedMethod(res: Response, twin: ServerResponse, name: string): PropertyDescriptor {
  const members = twin as unknown as Record<string, (...args: unknown[]) => unknown>;
  const forward = (...args: unknown[]): unknown => {
    const result = members[name]?.(...args);
    // Chained calls go on with the object that everybody has.
    return result === twin ? res : result;
  };
  return { value: forward, writable: true };
}

function forwardedProperty(twin: ServerResponse, name: string): PropertyDescriptor {
  const members = twin as unknown as Record<string, unknown>;
  return {
    get: () => members[name],
    set: (value: unknown) => {
      members[name] = value;
    },
  };
}
