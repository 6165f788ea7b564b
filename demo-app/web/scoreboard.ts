import { byId, setText } from "./elements.ts";

export interface PlayedMatch {
  readonly date: string;
  readonly home: string;
  readonly away: string;
  readonly homeScore: number;
  readonly awayScore: number;
  readonly number: number;
  readonly total: number;
}

export interface Scoreboard {
  showMatch(match: PlayedMatch): void;
  showMessage(text: string): void;
  setProgress(share: number): void;
}

const day = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/** The strip that shows the last result; it is for eyes only, `announce` of the replay speaks. */
export function createScoreboard(): Scoreboard {
  const result = byId("result", HTMLElement);
  const message = byId("result-message", HTMLElement);
  const when = byId("result-when", HTMLElement);
  const home = byId("result-home", HTMLElement);
  const goals = byId("result-goals", HTMLElement);
  const away = byId("result-away", HTMLElement);
  const progress = byId("progress", HTMLProgressElement);

  return {
    showMatch(match) {
      result.dataset["showing"] = "match";
      setText(when, `${day.format(new Date(match.date))} · match ${match.number} of ${match.total}`);
      setText(home, match.home);
      setText(goals, `${match.homeScore}–${match.awayScore}`);
      setText(away, match.away);
      progress.value = match.number / match.total;
    },
    showMessage(text) {
      result.dataset["showing"] = "message";
      setText(message, text);
    },
    setProgress(share) {
      progress.value = share;
    },
  };
}
