import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import { eventually } from "../support/eventually.ts";
import { useDemoApp } from "./use-demo-app.ts";

const CLIENTS = 100;

describe("clients that are gone before they are served", () => {
  const demo = useDemoApp();

  /** Sends a request, and resets the connection before it can have been answered. */
  async function leave(request: string): Promise<void> {
    const { hostname, port } = new URL(demo().url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    await new Promise((resolve) => socket.write(request, resolve));
    socket.resetAndDestroy();
  }

  async function metric(pattern: RegExp): Promise<string | undefined> {
    return pattern.exec((await demo().browser().get("/metrics")).text)?.[1];
  }

  it("are no errors of the server: not in the log, not in the metrics", async () => {
    const get = `GET /leaderboard HTTP/1.1\r\nHost: demo\r\n\r\n`;
    const post = `POST /login HTTP/1.1\r\nHost: demo\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`;
    await Promise.all(Array.from({ length: CLIENTS }, (_, at) => leave(at % 2 === 0 ? get : post)));
    await eventually(async () => {
      // The scrape itself is under way.
      expect(await metric(/^http_requests_in_flight (\d+)$/m)).to.equal("1");
    });
    expect(demo().log).to.deep.equal([]);
    expect(await metric(/^(http_request_duration_seconds_count\{.*status="5.*)$/m)).to.equal(undefined);
  });
});
