import type { Api } from "./api.ts";
import { readStandings, type Board, type LeaderboardBody, type TableRow } from "./boards.ts";
import { byId, setText } from "./elements.ts";
import { readEvents } from "./event-stream.ts";
import { sentence, type Problem } from "./problem.ts";
import { createRoundMoves } from "./round-moves.ts";
import type { PlayedMatch, Scoreboard } from "./scoreboard.ts";
import type { Table } from "./table.ts";

export interface Replay {
  /** Stops what plays and offers this board's season; the free board has none. */
  offer(board: Board): void;
}

export interface ReplayParts {
  readonly api: Api;
  readonly table: Table;
  readonly scoreboard: Scoreboard;
  /** The replay draws the table from now on. */
  readonly onStart: () => void;
  /** The reader stopped the replay, or it broke: the board's own table is wanted back. */
  readonly onBroken: () => void;
}

/** What the season has come to, as last heard. */
interface Scene {
  match?: PlayedMatch;
  standings: readonly TableRow[];
  moves: ReadonlyMap<string, number>;
}

const broken: Problem = { status: 0, title: "The replay broke off.", detail: "" };
const invitation = "Watch the season unfold, match by match.";

export function createReplay(parts: ReplayParts): Replay {
  const button = byId("replay", HTMLButtonElement);
  const speed = byId("speed", HTMLSelectElement);
  const label = byId("replay-label", HTMLElement);
  const live = byId("replay-live", HTMLElement);
  let board: Board | undefined;
  let playing: AbortController | undefined;

  function stop(): void {
    playing?.abort();
    playing = undefined;
    button.dataset["playing"] = "false";
    setText(label, "Play the season");
    parts.scoreboard.setProgress(0);
  }

  async function play(season: Board): Promise<void> {
    const run = new AbortController();
    playing = run;
    parts.onStart();
    button.dataset["playing"] = "true";
    setText(label, "Stop");
    parts.scoreboard.showMessage("Kick-off …");
    const outcome = await follow(season, Number(speed.value), { ...parts, signal: run.signal }).catch(
      () => undefined,
    );
    // Another board, or the button, has ended this run already.
    if (playing !== run) return;
    stop();
    if (outcome?.champion) {
      parts.scoreboard.setProgress(1);
      parts.scoreboard.showMessage(`Full time. ${outcome.champion}`);
      setText(live, `Full time. ${outcome.champion}`);
      return;
    }
    const reason = sentence(outcome?.problem ?? broken);
    parts.scoreboard.showMessage(reason);
    setText(live, reason);
    parts.onBroken();
  }

  button.addEventListener("click", () => {
    if (playing) {
      stop();
      parts.scoreboard.showMessage(invitation);
      parts.onBroken();
    } else if (board) {
      void play(board);
    }
  });

  return {
    offer(next) {
      stop();
      board = next.season === undefined ? undefined : next;
      button.disabled = !board;
      speed.disabled = !board;
      parts.scoreboard.showMessage(board ? invitation : "No matches here: players post their own scores.");
    },
  };
}

interface Outcome {
  readonly champion?: string;
  readonly problem?: Problem;
}

/** Plays one season to its end. Rejects when `signal` aborts; a stream that ends early has neither champion nor problem. */
async function follow(
  board: Board,
  speed: number,
  { api, table, scoreboard, signal }: ReplayParts & { readonly signal: AbortSignal },
): Promise<Outcome> {
  const query = new URLSearchParams({ board: board.name, speed: String(speed) });
  const answer = await api.open(`/replay?${query.toString()}`, signal);
  if (!answer.ok) return { problem: answer.problem };
  const scene: Scene = { standings: [], moves: new Map() };
  const roundMoves = createRoundMoves();
  const announce = createAnnouncer();
  const drawing = createDrawing(() => draw(scene, { board, table, scoreboard, speed }));
  signal.addEventListener("abort", () => drawing.cancel());
  for await (const { event, data } of readEvents(answer.body)) {
    signal.throwIfAborted();
    if (event === "match") {
      const match: PlayedMatch = JSON.parse(data);
      scene.match = match;
    }
    if (event === "table") {
      const heard: LeaderboardBody = JSON.parse(data);
      scene.standings = readStandings(heard);
      scene.moves = roundMoves.after(scene.standings);
      announce(scene);
      drawing.request();
    }
    if (event === "problem") {
      const problem: Partial<Problem> = JSON.parse(data);
      return { problem: { ...broken, ...problem } };
    }
    if (event === "end") {
      drawing.now();
      return { champion: championOf(scene) };
    }
  }
  return {};
}

function championOf({ standings: [first] }: Scene): string {
  return first ? `${first.player} finish first with ${first.points} points.` : "Nobody played.";
}

function draw(
  { match, standings, moves }: Scene,
  { board, table, scoreboard, speed }: { board: Board; table: Table; scoreboard: Scoreboard; speed: number },
): void {
  if (match) scoreboard.showMatch(match);
  // Rows need about four matches' time to arrive: slower, and at high speed they would all be on their way for ever.
  const durationMs = Math.min(450, Math.max(140, 4000 / speed));
  // The mark of who played last is there to be read; faster than this it would only flicker.
  const played = match && speed <= 10 ? [match.home, match.away] : [];
  table.show(standings, { board, moves, durationMs, played });
}

/** Draws at most once a frame, however fast the events come. */
function createDrawing(drawScene: () => void): { request(): void; now(): void; cancel(): void } {
  let frame: number | undefined;
  const cancel = (): void => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    frame = undefined;
  };
  return {
    cancel,
    request() {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        drawScene();
      });
    },
    now() {
      cancel();
      drawScene();
    },
  };
}

/** Speaks for readers who do not see the rows move: a sentence every few seconds, not one a match. */
function createAnnouncer(): (scene: Scene) => void {
  const live = byId("replay-live", HTMLElement);
  let quietUntil = 0;
  return ({ match, standings: [leader] }) => {
    if (!match || !leader || performance.now() < quietUntil) return;
    quietUntil = performance.now() + 5000;
    const result = `${match.home} ${match.homeScore}, ${match.away} ${match.awayScore}`;
    setText(
      live,
      `Match ${match.number} of ${match.total}: ${result}. ${leader.player} lead with ${leader.points} points.`,
    );
  };
}
