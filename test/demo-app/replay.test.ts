import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import type { SeasonBoard } from "../../demo-app/ladder/season-boards.ts";
import { eventually } from "../support/eventually.ts";
import { redis } from "../support/shared-redis.ts";
import { SMALL_SEASON, useDemoApp } from "./use-demo-app.ts";

/** A season that takes long enough to be interrupted. */
const LONG_SEASON: SeasonBoard = {
  ...SMALL_SEASON,
  name: "Little League 2016-17",
  matches: Array.from({ length: 50 }, (_, day) => ({
    date: new Date(Date.UTC(2016, 7, 1 + day)).toISOString().slice(0, 10),
    division: "Little League",
    home: "Alba",
    away: "Brio",
    homeScore: 1,
    awayScore: 0,
  })),
};

interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

function parseEvents(text: string): ServerEvent[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("event: "))
    .map((block) => {
      const [event = "", data = ""] = block.split("\n");
      return {
        event: event.slice("event: ".length),
        data: JSON.parse(data.slice("data: ".length)) as unknown,
      };
    });
}

async function replayKeys(): Promise<string[]> {
  return (await redis().keys("*")).filter((key) => key.includes(":league:{replay "));
}

describe("GET /replay", () => {
  const demo = useDemoApp({ replays: 2, heartbeatMs: 20 }, [SMALL_SEASON, LONG_SEASON]);

  function replay(board: string, speed: number | string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${demo().url}/replay?${new URLSearchParams({ board, speed: String(speed) })}`, init);
  }

  it("plays a season match by match, with the table after each, and says when it is over", async () => {
    const response = await replay(SMALL_SEASON.name, 500);
    expect(response.status).to.equal(200);
    expect(response.headers.get("content-type")).to.match(/^text\/event-stream/);
    const events = parseEvents(await response.text());
    expect(events.map(({ event }) => event)).to.deep.equal([
      "match",
      "table",
      "match",
      "table",
      "match",
      "table",
      "end",
    ]);
    expect(events[2]?.data).to.deep.equal({
      date: "2015-08-08",
      home: "Brio",
      away: "Città",
      homeScore: 1,
      awayScore: 1,
      number: 2,
      total: 3,
    });
    expect(events[1]?.data).to.deep.equal({
      players: [
        { player: "Alba", points: 3, goalDifference: 2, goals: 2, rank: 1 },
        { player: "Brio", points: 0, goalDifference: -2, goals: 0, rank: 2 },
      ],
    });
    expect(events[5]?.data).to.deep.equal({
      players: [
        { player: "Alba", points: 6, goalDifference: 5, goals: 5, rank: 1 },
        { player: "Brio", points: 1, goalDifference: -2, goals: 1, rank: 2 },
        { player: "Città", points: 1, goalDifference: -3, goals: 1, rank: 3 },
      ],
    });
  });

  it("asks whatever is on the way neither to keep nor to change the stream", async () => {
    const response = await replay(SMALL_SEASON.name, 500);
    expect(response.headers.get("cache-control")).to.include("no-store").and.to.include("no-transform");
    expect(response.headers.get("x-accel-buffering")).to.equal("no");
    await response.text();
  });

  it("plays on a board of its own that expires by itself, and removes it at the end", async () => {
    const response = await replay(LONG_SEASON.name, 100);
    await eventually(async () => {
      const keys = await replayKeys();
      expect(keys).to.have.length(1);
      for (const key of keys) expect(await redis().pttl(key)).to.be.within(1, 61_000);
    });
    expect(parseEvents(await response.text()).at(-1)?.event).to.equal("end");
    expect(await replayKeys()).to.deep.equal([]);
    const { body } = await demo().browser().get("/leaderboard").query({ board: LONG_SEASON.name });
    expect(body.players).to.deep.equal([]);
  });

  it("removes its board, and makes room, when the reader goes away", async () => {
    for (let round = 0; round < 3; round += 1) {
      const gone = new AbortController();
      const readers = [1, 2].map(() => replay(LONG_SEASON.name, 20, { signal: gone.signal }));
      for (const { status } of await Promise.all(readers)) expect(status).to.equal(200);
      await eventually(async () => expect(await replayKeys()).to.have.length(2));
      gone.abort();
      await eventually(async () => expect(await replayKeys()).to.deep.equal([]));
    }
  });

  it("keeps no place for readers who leave while the limits are asked", async () => {
    const { hostname, port } = new URL(demo().url);
    const query = new URLSearchParams({ board: LONG_SEASON.name, speed: "0.1" });
    for (let reader = 0; reader < 6; reader += 1) {
      const socket = connect(Number(port), hostname);
      await once(socket, "connect");
      const sent = `GET /replay?${query} HTTP/1.1\r\nHost: demo\r\n\r\n`;
      await new Promise((resolve) => socket.write(sent, resolve));
      socket.destroy();
    }
    // A replay of those would go on for minutes.
    await eventually(async () => {
      const response = await replay(SMALL_SEASON.name, 500);
      expect(await response.text()).to.include("event: end");
    });
    await eventually(async () => expect(await replayKeys()).to.deep.equal([]));
  });

  it("refuses with 503 and Retry-After when too many are running", async () => {
    const gone = new AbortController();
    await Promise.all([1, 2].map(() => replay(LONG_SEASON.name, 20, { signal: gone.signal })));
    const response = await replay(SMALL_SEASON.name, 500);
    expect(response.status).to.equal(503);
    expect(Number(response.headers.get("retry-after"))).to.be.at.least(1);
    expect(response.headers.get("content-type")).to.equal("application/problem+json");
    gone.abort();
  });

  it("sends a comment now and then, so that a slow replay does not look dead", async () => {
    const gone = new AbortController();
    const response = await replay(LONG_SEASON.name, 0.1, { signal: gone.signal });
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      // The first may come before the first match.
      if (/^event: table\n[^]*^: still here$/m.test(text)) break;
    }
    gone.abort();
    expect(parseEvents(text).length).to.equal(2);
  });

  it("ends when the demo is told to stop", async () => {
    const response = await replay(LONG_SEASON.name, 10);
    await eventually(async () => expect(await replayKeys()).to.have.length(1));
    demo().demo.drain();
    const events = parseEvents(await response.text());
    expect(events.at(-1)?.event).to.not.equal("end");
    expect(await replayKeys()).to.deep.equal([]);
    expect((await replay(SMALL_SEASON.name, 500)).status).to.equal(503);
  });

  it("answers HEAD with the headers alone", async () => {
    const response = await replay(LONG_SEASON.name, 1, { method: "HEAD" });
    expect(response.status).to.equal(200);
    expect(response.headers.get("content-type")).to.match(/^text\/event-stream/);
    expect(await replayKeys()).to.deep.equal([]);
  });

  it("answers a board without matches with 404", async () => {
    expect((await replay("Serie A 1999-00", 10)).status).to.equal(404);
    expect((await replay("free", 10)).status).to.equal(404);
  });

  for (const speed of ["0", "501", "-1", "fast", "1e2", ""]) {
    it(`refuses speed=${speed} with 400`, async () => {
      expect((await replay(SMALL_SEASON.name, speed)).status).to.equal(400);
    });
  }
});

describe("a client's share of the replays", () => {
  const limit = { name: "replay", algorithm: "concurrency", limit: 1, windowMs: 60_000 } as const;
  const demo = useDemoApp({ replays: 4, replayLimits: [limit] }, [SMALL_SEASON, LONG_SEASON]);

  it("is refused with 429 beyond, and is there again once a replay has ended", async () => {
    const ask = (board: string, init: RequestInit = {}) =>
      fetch(`${demo().url}/replay?${new URLSearchParams({ board, speed: "10" })}`, init);
    const gone = new AbortController();
    const first = await ask(LONG_SEASON.name, { signal: gone.signal });
    expect(first.status).to.equal(200);
    const second = await ask(LONG_SEASON.name);
    expect(second.status).to.equal(429);
    expect(await second.json()).to.have.deep.property("violated-policies", ["replay"]);
    gone.abort();
    await eventually(async () => {
      const third = await ask(SMALL_SEASON.name);
      await third.body?.cancel();
      expect(third.status).to.equal(200);
    });
  });
});
