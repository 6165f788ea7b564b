import { createAccount } from "./account.ts";
import { createApi } from "./api.ts";
import type { Board } from "./boards.ts";
import { createChooser } from "./chooser.ts";
import { byId } from "./elements.ts";
import { createJob } from "./job.ts";
import { createLadder } from "./ladder.ts";
import { createNotice } from "./notice.ts";
import { createPanel } from "./panel.ts";
import { mayPass } from "./problem.ts";
import { createReplay } from "./replay.ts";
import { createScoreForm } from "./score-form.ts";
import { createScoreboard } from "./scoreboard.ts";
import { createSessions } from "./sessions.ts";
import { createTable } from "./table.ts";

interface BoardsBody {
  readonly boards: readonly Board[];
  readonly free: string;
}

/** The season in which the unlikeliest of champions won. */
const opening = "English Premier League 2015-16";

const panel = createPanel();
const api = createApi((exchange) => panel.record(exchange));
const notice = createNotice();
const table = createTable();
const ladder = createLadder({ api, table, notice });
const replay = createReplay({
  api,
  table,
  scoreboard: createScoreboard(),
  onStart: () => ladder.leave(),
  onBroken: () => void ladder.reload(),
});
const chooser = createChooser((board) => {
  notice.clear();
  replay.offer(board);
  chosen = board;
  shown = ladder.show(board);
});
let chosen: Board | undefined;
let shown: ReturnType<typeof ladder.show> | undefined;
let free: Board | undefined;

const account = createAccount({
  api,
  onPlayer(player) {
    ladder.setOwn(player);
    sessions.forget();
  },
});
createJob({ api, account });
const sessions = createSessions({ api, account });
createScoreForm({
  api,
  account,
  async onScore() {
    if (!free) return "";
    chooser.choose(free.name);
    const answer = await shown;
    const cache = answer?.ok ? answer.exchange.cache : undefined;
    // A score makes cached tables invalid, unless Redis was away just then.
    if (cache?.outcome !== "hit" && cache?.outcome !== "stale") return "";
    const waitS = Math.max(1, cache.ttlS ?? 1);
    setTimeout(() => chosen === free && void ladder.reload(), waitS * 1000 + 100);
    return `The table comes from the cache and catches up within ${waitS} s.`;
  },
});

const askAgain = byId("ask-again", HTMLButtonElement);
askAgain.addEventListener("click", () => chosen && chooser.choose(chosen.name));

async function start(): Promise<void> {
  const answer = await api.ask<BoardsBody>("/boards");
  if (!answer.ok) {
    notice.show(answer.problem, mayPass(answer.problem) ? () => void start() : undefined);
    return;
  }
  notice.clear();
  free = { name: answer.body.free, division: "Free board" };
  chooser.offer([...answer.body.boards, free], opening);
  askAgain.disabled = false;
}

table.showSkeleton(undefined);
void account.resume();
void start();
