import { once } from "node:events";
import { request as ask, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from "express";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { ReplyError } from "ioredis";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { createGate, type Gate } from "../../support/gate.ts";

/** Any operation of a store: rejects, or never gets there. */
export type AskStore = () => Promise<never>;

/** How a middleware is told to answer while its store fails, and what it then does. */
export interface StoreFailureMode {
  readonly name: string;
  readonly handlerRuns: boolean;
  /** Makes the middleware on a store whose every operation calls `askStore`. */
  readonly mount: (askStore: AskStore) => RequestHandler;
  /** What it publishes for a request, once. */
  readonly outcome: string;
}

export interface StoreFailureCase {
  readonly modes: readonly StoreFailureMode[];
  /**
   * Who gets a request that may go on, and whose client has left while the store was asked: `nobody`, where all that
   * matters is the answer, or `the handler`, as in Express without the middleware.
   */
  readonly leftRequestsGoTo: "nobody" | "the handler";
  /** Listens to what the middleware publishes until the function that it returns is called. */
  readonly listen: (listener: (event: { outcome: string; code?: string }) => void) => () => void;
  /** Of a request for which the middleware asks its store. */
  readonly headers?: () => Promise<IncomingHttpHeaders>;
}

interface Mounted {
  readonly app: Express;
  readonly runs: () => number;
  readonly errors: readonly unknown[];
}

/** What every middleware does when its store fails, in every mode that it has. */
export function describeStoreFailure(middleware: string, failure: StoreFailureCase): void {
  const { modes, listen, headers, leftRequestsGoTo } = failure;
  for (const [at, mode] of modes.entries()) {
    const { handlerRuns } = mode;
    const runsForNobody = handlerRuns && leftRequestsGoTo === "the handler";
    const mounted = (askStore: AskStore, outside: readonly RequestHandler[] = []): Mounted => {
      let runs = 0;
      const errors: unknown[] = [];
      const app = express().set("env", "test");
      app.get("/", ...outside, mode.mount(askStore), (_req, res) => {
        runs += 1;
        res.send("handled");
      });
      const note: ErrorRequestHandler = (error, _req, _res, next) => {
        errors.push(error);
        next(error);
      };
      app.use(note);
      return { app, runs: () => runs, errors };
    };
    let sent: IncomingHttpHeaders = {};
    const get = async (app: Express): Promise<request.Response> => request(app).get("/").set(sent);

    describe(`${middleware} on a store that fails, ${mode.name}`, () => {
      let server: Server | undefined;
      afterEach(async () => {
        if (!server) return;
        const closed = once(server, "close");
        server.close().closeAllConnections();
        await closed;
        server = undefined;
      });
      before(async () => {
        sent = (await headers?.()) ?? {};
      });

      it(`${handlerRuns ? "lets the handler answer" : "answers 503"} during an outage, and publishes it once`, async () => {
        const { app, runs } = mounted(() => Promise.reject(new StoreUnavailableError("away")));
        const events: { outcome: string; code?: string }[] = [];
        const leave = listen((event) => events.push(event));
        const answer = await get(app);
        leave();
        expectAnswer(answer, handlerRuns);
        expect(runs()).to.equal(handlerRuns ? 1 : 0);
        expect(events.map(({ outcome, code }) => `${outcome} ${code}`)).to.deep.equal([
          `${mode.outcome} STORE_UNAVAILABLE`,
        ]);
      });

      it("gives Express a mistake, and neither answers nor runs the handler", async () => {
        const mistake = new TypeError("a mistake");
        const { app, runs, errors } = mounted(() => Promise.reject(mistake));
        expect((await get(app)).status).to.equal(500);
        expect([errors, runs()]).to.deep.equal([[mistake], 0]);
      });

      it("treats an error that is no outage as one, and warns of it once with a code", async () => {
        // Each mode has a cause of its own, which no other test has: a process is warned of each once.
        const cause = ["NOGROUP", "BUSYGROUP"][at] ?? "BUSYKEY";
        const { app } = mounted(() =>
          Promise.reject(new (ReplyError as ErrorConstructor)(`${cause} refused`)),
        );
        const warnings: NodeJS.ErrnoException[] = [];
        const note = (warning: Error): void => void warnings.push(warning);
        process.on("warning", note);
        for (let asked = 0; asked < 2; asked++) expectAnswer(await get(app), handlerRuns);
        const ours = (): string[] =>
          warnings
            .filter(({ code, message }) => code === "ERS_STORE_ERROR" && message.startsWith(`${middleware}:`))
            .map(({ message }) => message);
        await eventually(() => expect(ours()).to.have.length(1));
        process.off("warning", note);
        expect(ours()[0]).to.contain(cause);
      });

      it(`${runsForNobody ? "runs the handler" : "runs no handler"} for a client that has gone meanwhile, and publishes it once`, async () => {
        const gate = createGate();
        let closed = false;
        const outside: RequestHandler = (_req, res, next) => {
          res.once("close", () => (closed = true));
          next();
        };
        const { app, runs, errors } = mounted(failAt(gate), [outside]);
        const outcomes: string[] = [];
        const leave = listen(({ outcome }) => outcomes.push(outcome));
        server = app.listen(0, "127.0.0.1");
        try {
          await once(server, "listening");
          await leaveAt(gate, server, sent);
          await eventually(() => expect(closed).to.equal(true));
          gate.open();
          await eventually(() => expect(outcomes).to.deep.equal([mode.outcome]));
          await someTurns();
          expect([runs(), errors]).to.deep.equal([runsForNobody ? 1 : 0, []]);
          expect(outcomes).to.have.length(1);
        } finally {
          leave();
        }
      });

      it("leaves alone what another layer has begun to send", async () => {
        const gate = createGate();
        const begun: RequestHandler = (_req, res, next) => {
          res.write("begun");
          void endAfter(gate, res);
          next();
        };
        const { app, runs, errors } = mounted(failAt(gate), [begun]);
        const answer = await get(app);
        expect([answer.status, answer.text]).to.deep.equal([200, "begun, and ended"]);
        expect([runs(), errors]).to.deep.equal([0, []]);
      });

      it("leaves alone what another layer has answered meanwhile, a timeout for example", async () => {
        const gate = createGate();
        const timeout: RequestHandler = (_req, res, next) => {
          void gate.reached.then(() => res.status(504).send("too slow"));
          next();
        };
        const { app, runs, errors } = mounted(failAt(gate), [timeout]);
        expect((await get(app)).status).to.equal(504);
        gate.open();
        await someTurns();
        expect([runs(), errors]).to.deep.equal([0, []]);
      });
    });
  }
}

function expectAnswer(answer: request.Response, handlerRuns: boolean): void {
  if (handlerRuns) {
    expect([answer.status, answer.text]).to.deep.equal([200, "handled"]);
    return;
  }
  expect([answer.status, answer.type]).to.deep.equal([503, "application/problem+json"]);
  expect(answer.get("Retry-After")).to.equal("1");
  expect(answer.get("Cache-Control")).to.equal("no-store");
}

/** An outage that is noticed only when the gate is opened. */
function failAt(gate: Gate): AskStore {
  return async () => {
    await gate.pass();
    throw new StoreUnavailableError("away");
  };
}

async function endAfter(gate: Gate, res: Response): Promise<void> {
  await gate.reached;
  gate.open();
  await someTurns();
  res.end(", and ended");
}

/** Time for whatever a middleware does with a failure, none of which waits. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Sends a request and resets its connection while the store is asked. */
async function leaveAt(gate: Gate, server: Server, headers: IncomingHttpHeaders): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const asking = ask({ host: "127.0.0.1", port, headers });
  asking.on("error", () => {}).end();
  await gate.reached;
  asking.destroy();
  await eventually(async () => expect(await connectionsOf(server)).to.equal(0));
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
