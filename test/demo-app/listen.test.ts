import { EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { listen } from "../../demo-app/listen.ts";
import { StartError } from "../../demo-app/start-error.ts";

const HOST = "127.0.0.1";

describe("the demo's server", () => {
  it("answers on the URL that it names", async () => {
    const server = await listen((_req, res) => res.end("hello"), { port: 0, host: HOST });
    expect(await (await fetch(server.url)).text()).to.equal("hello");
    await server.close(1000);
  });

  it("writes an IPv6 host into its URL in brackets", async () => {
    const server = await listen((_req, res) => res.end("hello"), { port: 0, host: "::1" });
    expect(server.url).to.match(/^http:\/\/\[::1\]:\d+$/);
    await server.close(1000);
  });

  it("refuses a port that is taken, and a host that is not here", async () => {
    const occupant = createServer().listen(0, HOST);
    await once(occupant, "listening");
    const { port } = occupant.address() as AddressInfo;
    const taken: unknown = await listen(() => {}, { port, host: HOST }).catch((error: unknown) => error);
    const foreign: unknown = await listen(() => {}, { port: 0, host: "192.0.2.1" }).catch(
      (error: unknown) => error,
    );
    occupant.close();
    expect(taken).to.be.instanceOf(StartError).with.property("message").that.includes(`PORT ${port}`);
    expect(foreign).to.be.instanceOf(StartError).with.property("message").that.includes("HOST");
  });

  it("closes at once with connections that are idle, or have never had a request", async () => {
    const server = await listen((_req, res) => res.end("hello"), { port: 0, host: HOST });
    await (await fetch(server.url)).text();
    const unused = connect(Number(new URL(server.url).port), HOST);
    await once(unused, "connect");
    await pause(20);
    const startedAt = performance.now();
    await server.close(5000);
    expect(performance.now() - startedAt).to.be.below(1000);
    unused.destroy();
  });

  it("lets a request under way be answered, and closes its connection then", async () => {
    const arrived = new EventEmitter();
    const server = await listen((_req, res) => arrived.emit("request", res), { port: 0, host: HOST });
    const pending = fetch(server.url);
    const [res] = (await once(arrived, "request")) as [ServerResponse];
    const closed = server.close(5000);
    setTimeout(() => res.end("late"), 50);
    expect(await (await pending).text()).to.equal("late");
    const startedAt = performance.now();
    await closed;
    expect(performance.now() - startedAt).to.be.below(1000);
  });

  it("answers every request that is under way on a connection, and says close with the last", async () => {
    const owed: ServerResponse[] = [];
    const arrived = new EventEmitter();
    const app = (_req: unknown, res: ServerResponse): void => {
      owed.push(res);
      arrived.emit("request");
    };
    const server = await listen(app, { port: 0, host: HOST });
    const socket = connect(Number(new URL(server.url).port), HOST);
    let answers = "";
    socket.on("data", (chunk: Buffer) => (answers += chunk.toString()));
    const ended = once(socket, "close");
    const ask = (count: number): void =>
      void socket.write("GET / HTTP/1.1\r\nHost: demo\r\n\r\n".repeat(count));
    ask(2);
    while (owed.length < 2) await once(arrived, "request");
    const closed = server.close(5000);
    // One more, which the client sent before it could know.
    ask(1);
    while (owed.length < 3) await once(arrived, "request");
    for (const [at, res] of owed.entries()) {
      res.end(`answer ${at};`);
      await once(res, "close");
    }
    await Promise.all([closed, ended]);
    expect(answers.match(/answer \d/g)).to.deep.equal(["answer 0", "answer 1", "answer 2"]);
    expect(answers.match(/^connection: [\w-]+/gim)).to.deep.equal([
      "Connection: keep-alive",
      "Connection: keep-alive",
      "Connection: close",
    ]);
  });

  it("cuts what is not answered within the time of grace", async () => {
    const server = await listen(() => {}, { port: 0, host: HOST });
    const pending = fetch(server.url).catch((error: Error) => error);
    await pause(50);
    await server.close(50);
    expect(await pending).to.be.instanceOf(Error);
  });
});
