import type { Answer, Api } from "./api.ts";
import { readStandings, seasonTitle, type Board, type LeaderboardBody } from "./boards.ts";
import { byId, setText } from "./elements.ts";
import type { Notice } from "./notice.ts";
import { mayPass } from "./problem.ts";
import type { Table } from "./table.ts";

export interface Ladder {
  /** Shows the board's head at once and its table when it comes; a later call overtakes an earlier one. */
  show(board: Board): Promise<Answer<LeaderboardBody> | undefined>;
  reload(): Promise<Answer<LeaderboardBody> | undefined>;
  /** Others draw the table from now on: an answer on its way is dropped, and nothing is asked again by itself. */
  leave(): void;
  /** Whose row of the free board is marked. */
  setOwn(player: string | undefined): void;
}

export interface LadderParts {
  readonly api: Api;
  readonly table: Table;
  readonly notice: Notice;
}

const rowsAsked = 20;

export function createLadder({ api, table, notice }: LadderParts): Ladder {
  const empty = byId("empty", HTMLElement);
  let board: Board | undefined;
  let shown: Board | undefined;
  let own: string | undefined;
  let newest = 0;

  async function load(asked: Board): Promise<Answer<LeaderboardBody> | undefined> {
    const turn = ++newest;
    table.setBusy(true);
    const query = new URLSearchParams({ board: asked.name, n: String(rowsAsked) });
    const answer = await api.ask<LeaderboardBody>(`/leaderboard?${query.toString()}`);
    if (turn !== newest) return undefined;
    table.setBusy(false);
    if (answer.ok) {
      notice.clear();
      const standings = readStandings(answer.body);
      shown = asked;
      table.show(standings, { board: asked, own: asked.season === undefined ? own : undefined });
      empty.hidden = standings.length > 0;
      setText(
        empty,
        asked.season === undefined ? "Nobody has posted a score yet. Be the first." : "No matches here.",
      );
    } else {
      // Under this heading another board's rows would be a lie.
      if (shown !== asked) table.showSkeleton(asked);
      shown = asked;
      notice.show(answer.problem, mayPass(answer.problem) ? () => void load(asked) : undefined);
    }
    return answer;
  }

  return {
    show(next) {
      board = next;
      empty.hidden = true;
      showHead(next);
      return load(next);
    },
    async reload() {
      return board && (await load(board));
    },
    leave() {
      newest += 1;
      shown = undefined;
      table.setBusy(false);
      notice.clear();
    },
    setOwn(player) {
      own = player;
      if (board && board.season === undefined) void load(board);
    },
  };
}

function showHead(board: Board): void {
  const season = board.season === undefined ? "all players" : seasonTitle(board.season);
  setText(byId("title-division", HTMLElement), board.division);
  setText(byId("title-season", HTMLElement), season);
  setText(byId("caption", HTMLElement), `${board.division}, ${season}`);
  setText(byId("player-heading", HTMLElement), board.season === undefined ? "Player" : "Club");
  setText(byId("points-heading", HTMLElement), board.season === undefined ? "Score" : "Pts");
  byId("legend", HTMLElement).classList.toggle("absent", board.season === undefined);
  document.title = `${board.division} ${season} · express-redis-suite`;
}
