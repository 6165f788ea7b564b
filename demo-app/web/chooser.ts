import { seasonTitle, type Board } from "./boards.ts";
import { byId, create } from "./elements.ts";

export interface Chooser {
  /** Fills the controls and chooses the board that the address names, or `opening`, or the first. */
  offer(boards: readonly Board[], opening: string): void;
  /** Chooses this board as if the reader had; unknown names are ignored. */
  choose(name: string): void;
}

/** Keeps the choice in the address, so that a board can be linked to and survives a reload. */
export function createChooser(onChoose: (board: Board) => void): Chooser {
  const division = byId("division", HTMLSelectElement);
  const seasons = byId("seasons", HTMLFieldSetElement);
  const choices = byId("season-choices", HTMLElement);
  let boards: readonly Board[] = [];
  let chosen: Board | undefined;

  function choose(name: string): void {
    const board = boards.find((candidate) => candidate.name === name);
    if (!board) return;
    const newDivision = board.division !== chosen?.division;
    chosen = board;
    division.value = board.division;
    if (newDivision) drawSeasons(board);
    else checkSeason(board);
    history.replaceState(null, "", `?${new URLSearchParams({ board: name }).toString()}`);
    onChoose(board);
  }

  function drawSeasons(board: Board): void {
    seasons.disabled = board.season === undefined;
    if (board.season === undefined) return;
    const offered = boards.filter((candidate) => candidate.division === board.division);
    choices.replaceChildren(...offered.map((candidate) => seasonChoice(candidate, candidate === board)));
  }

  /** Keeps the controls, one of which may have the focus. */
  function checkSeason({ name }: Board): void {
    for (const radio of choices.querySelectorAll("input")) radio.checked = radio.value === name;
  }

  division.addEventListener("change", () => {
    const offered = boards.filter((board) => board.division === division.value);
    // The same year in the other league, where there is one.
    const next = offered.find((board) => board.season === chosen?.season) ?? offered.at(-1);
    if (next) choose(next.name);
  });
  choices.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement) choose(target.value);
  });

  // The link to the table makes an entry of the history: from it one may go back to the board that was chosen before.
  addEventListener("popstate", () => {
    const named = boardInAddress();
    if (named !== null && named !== chosen?.name) choose(named);
  });

  return {
    choose,
    offer(offered, opening) {
      boards = offered;
      const divisions = [...new Set(boards.map((board) => board.division))];
      division.disabled = false;
      division.replaceChildren(...divisions.map((name) => new Option(name, name)));
      const first =
        [boardInAddress(), opening].find((name) => boards.some((board) => board.name === name)) ??
        boards[0]?.name;
      if (first) choose(first);
    },
  };
}

function boardInAddress(): string | null {
  return new URLSearchParams(location.search).get("board");
}

function seasonChoice(board: Board, checked: boolean): HTMLLabelElement {
  const radio = create("input", "unseen");
  radio.type = "radio";
  radio.name = "season";
  radio.value = board.name;
  radio.checked = checked;
  return create("label", "season", radio, create("span", "", seasonTitle(board.season ?? "")));
}
