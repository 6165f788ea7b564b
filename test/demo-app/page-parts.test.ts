import { expect } from "chai";
import fc from "fast-check";
import { readEvents, type ServerEvent } from "../../demo-app/web/event-stream.ts";
import { readCacheUse, readQuotas } from "../../demo-app/web/exchange.ts";
import { mayPass, sentence } from "../../demo-app/web/problem.ts";
import { createRoundMoves } from "../../demo-app/web/round-moves.ts";
import { scoreOf, scoreText } from "../../demo-app/web/score-text.ts";
import { zoneOf } from "../../demo-app/web/boards.ts";

describe("the page's reading of headers", () => {
  it("joins each policy with what is left of it", () => {
    const headers = new Headers({
      "RateLimit-Policy": '"burst";q=20;w=1, "hourly";q=1000;w=3600',
      RateLimit: '"burst";r=5;t=1, "hourly";r=987;t=3311',
    });
    expect(readQuotas(headers)).to.deep.equal([
      { policy: "burst", limit: 20, remaining: 5, windowS: 1 },
      { policy: "hourly", limit: 1000, remaining: 987, windowS: 3600 },
    ]);
  });

  it("reads names with escaped quotes and with separators in them", () => {
    const headers = new Headers({
      "RateLimit-Policy": '"a\\"b, c;q=1";q=7;w=60',
      RateLimit: '"a\\"b, c;q=1";r=3;t=9',
    });
    expect(readQuotas(headers)).to.deep.equal([
      { policy: 'a"b, c;q=1', limit: 7, remaining: 3, windowS: 60 },
    ]);
  });

  it("leaves out a policy whose rest is not told, and knows none without headers", () => {
    expect(readQuotas(new Headers({ "RateLimit-Policy": '"burst";q=20;w=1' }))).to.deep.equal([]);
    expect(readQuotas(new Headers())).to.deep.equal([]);
  });

  it("tells a hit, a miss and a bypass of the cache apart", () => {
    const use = (value: string): unknown => readCacheUse(new Headers({ "Cache-Status": value }));
    expect(use("leaderboard; hit; ttl=4")).to.deep.equal({ outcome: "hit", ttlS: 4 });
    expect(use("leaderboard; hit; ttl=-2")).to.deep.equal({ outcome: "stale", ttlS: -2 });
    expect(use("leaderboard; fwd=uri-miss; stored")).to.deep.equal({ outcome: "miss" });
    const aged = new Headers({ "Cache-Status": "leaderboard; hit; ttl=1", Age: "3" });
    expect(readCacheUse(aged)).to.deep.equal({ outcome: "hit", ttlS: 1, ageS: 3 });
    expect(use("leaderboard; fwd=bypass; detail=store-error")).to.deep.equal({ outcome: "bypass" });
    expect(use("origin; hit, edge; fwd=stale")).to.deep.equal({ outcome: "stale" });
    expect(readCacheUse(new Headers())).to.equal(undefined);
  });
});

describe("the page's reading of an event stream", () => {
  it("finds the same events however the bytes are cut", async () => {
    const text =
      ': hello\n\nevent: match\ndata: {"home":"München","away":"Köln"}\n\ndata: a\r\ndata: b\r\n\r\nevent: end\ndata: {}\n\n';
    const events = [
      { event: "match", data: '{"home":"München","away":"Köln"}' },
      { event: "message", data: "a\nb" },
      { event: "end", data: "{}" },
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: text.length })), async (cuts) => {
        expect(await readAll(cut(new TextEncoder().encode(text), cuts))).to.deep.equal(events);
      }),
      { numRuns: 50 },
    );
  });

  it("drops an event that the stream breaks off in", async () => {
    const bytes = new TextEncoder().encode("event: match\ndata: 1\n\nevent: table\ndata: 2\n");
    expect(await readAll([bytes])).to.deep.equal([{ event: "match", data: "1" }]);
  });
});

describe("the page's arrows", () => {
  const table = (...players: string[]): { player: string; rank: number; points: number }[] =>
    players.map((player, index) => ({ player, rank: index + 1, points: 0 }));

  it("compare with the table of one round before", () => {
    const moves = createRoundMoves();
    expect([...moves.after(table("a", "b", "c", "d"))]).to.deep.equal([]);
    expect([...moves.after(table("b", "a", "c", "d"))]).to.deep.equal([
      ["b", 1],
      ["a", -1],
    ]);
    expect([...moves.after(table("b", "a", "c", "d"))]).to.deep.equal([
      ["b", 1],
      ["a", -1],
    ]);
    expect([...moves.after(table("b", "a", "c", "d"))]).to.deep.equal([]);
  });

  it("say nothing of a club that was not there before", () => {
    const moves = createRoundMoves();
    moves.after(table("a", "b"));
    expect([...moves.after(table("c", "a", "b"))]).to.deep.equal([
      ["a", -1],
      ["b", -1],
    ]);
  });
});

describe("the page's words", () => {
  it("mark the places at both ends, where a division has such places", () => {
    expect([1, 4, 5, 17, 18].map((rank) => zoneOf("English Premier League", rank))).to.deep.equal([
      "top",
      "top",
      undefined,
      undefined,
      "down",
    ]);
    expect(zoneOf("Little League", 1)).to.equal(undefined);
  });

  it("say once when to come back", () => {
    const problem = { status: 409, title: "Conflict", detail: "The same work is still running." };
    expect(sentence({ ...problem, retryAfterS: 2 })).to.equal(
      "The same work is still running. Try again in 2 s.",
    );
    expect(sentence({ ...problem, detail: "Try again in 7 s.", retryAfterS: 7 })).to.equal(
      "Try again in 7 s.",
    );
    expect(sentence({ ...problem, detail: "" })).to.equal("Conflict.");
  });

  it("say what happened where there is no server to say it", () => {
    const silence = { status: 0, title: "The server does not answer.", detail: "Does it run?" };
    expect(sentence(silence)).to.equal("The server does not answer. Does it run?");
    expect(sentence({ ...silence, detail: "" })).to.equal("The server does not answer.");
  });

  it("offer another try only where it may help", () => {
    const passing = [0, 400, 404, 429, 500, 503].filter((status) =>
      mayPass({ status, title: "", detail: "" }),
    );
    expect(passing).to.deep.equal([0, 429, 500, 503]);
  });
});

describe("the page's scores", () => {
  it("are short, whatever number they are", () => {
    const texts = [0, -0.0, 1234.5, 0.015, -0.001, 99_999_999, 123_456.789, 1e8, -1.79e308, 1.5e-300].map(
      scoreText,
    );
    expect(texts).to.deep.equal([
      "0",
      "0",
      "1,234.5",
      "0.02",
      "−1E−3",
      "99,999,999",
      "123,456.79",
      "1E8",
      "−1.79E308",
      "1.5E−300",
    ]);
  });

  it("are read as the table writes them, and with a decimal comma", () => {
    const typed = ["1,234", "1,234,567.5", "−5", "12,5", "0,125", " 1e3 ", "1234.5", "1,23,456", "many", " "];
    expect(typed.map(scoreOf)).to.deep.equal([
      1234,
      1_234_567.5,
      -5,
      12.5,
      0.125,
      1000,
      1234.5,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });
});

async function readAll(chunks: Iterable<Uint8Array>): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(streamOf(chunks))) events.push(event);
  return events;
}

function streamOf(chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const borders = [0, ...at.toSorted((one, other) => one - other), bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}
