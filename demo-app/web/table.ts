import { clubsOf, zoneOf, type Board, type TableRow } from "./boards.ts";
import { byId, create, setText } from "./elements.ts";
import { moveRows } from "./row-motion.ts";
import { scoreText } from "./score-text.ts";

export interface ShowOptions {
  readonly board: Board;
  /** While a season is replayed: places risen (or, negative, fallen) by player; those who did not move are absent. */
  readonly moves?: ReadonlyMap<string, number>;
  /** Who played last. */
  readonly played?: readonly string[];
  /** Whose row is the reader's own. */
  readonly own?: string | undefined;
  readonly durationMs?: number;
}

export interface Table {
  show(standings: readonly TableRow[], options: ShowOptions): void;
  /** Rows without content, in the number that the board will have, so that nothing jumps when it comes. */
  showSkeleton(board: Board | undefined): void;
  setBusy(busy: boolean): void;
}

interface Row {
  readonly row: HTMLTableRowElement;
  readonly cells: Readonly<
    Record<"rank" | "zone" | "move" | "moveText" | "goals" | "difference" | "points", HTMLElement>
  >;
}

const zoneTexts = { top: "Champions League place", down: "Relegation place" };
const signed = new Intl.NumberFormat("en-GB", { signDisplay: "exceptZero" });

export function createTable(): Table {
  const table = byId("table", HTMLTableElement);
  const body = byId("rows", HTMLTableSectionElement);
  const known = new Map<string, Row>();
  let slots = 0;

  function rowOf(player: string): Row {
    const made = known.get(player) ?? createRow(player);
    known.set(player, made);
    return made;
  }

  function arrange(standings: readonly TableRow[]): void {
    const wanted = standings.map(({ player }) => rowOf(player).row);
    while (wanted.length < slots) wanted.push(createSkeletonRow());
    for (const [index, row] of wanted.entries()) {
      // Only rows out of place are moved: a moved row loses its running transitions.
      if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
    }
    while (body.rows.length > wanted.length) body.deleteRow(-1);
    for (const [player, { row }] of known) if (!row.isConnected) known.delete(player);
  }

  return {
    show(standings, options) {
      const kind = options.board.season === undefined ? "free" : "season";
      // Rows of another kind have other columns: they are not the same rows in another place.
      if (table.dataset["kind"] !== kind) body.replaceChildren();
      table.dataset["kind"] = kind;
      // Early in a replay not every club has played: the missing ones keep their slots.
      slots = options.moves ? Math.max(slots, standings.length) : standings.length;
      const most = Math.max(1, ...standings.map(({ points }) => points));
      moveRows(
        table,
        () => {
          arrange(standings);
          for (const standing of standings) fill(rowOf(standing.player), standing, { ...options, most });
        },
        options.durationMs ?? 450,
      );
    },
    showSkeleton(board) {
      known.clear();
      slots = board && board.season === undefined ? 5 : clubsOf(board?.division ?? "");
      body.replaceChildren(...Array.from({ length: slots }, createSkeletonRow));
    },
    setBusy(busy) {
      table.setAttribute("aria-busy", String(busy));
    },
  };
}

function createRow(player: string): Row {
  const rank = create("span", "");
  const zone = create("span", "unseen");
  const move = create("span", "move-count");
  const moveText = create("span", "unseen");
  move.ariaHidden = "true";
  const name = create("th", "player", create("span", "name", player), create("span", "bar"));
  name.scope = "row";
  const goals = create("td", "goals");
  const difference = create("td", "difference");
  const points = create("td", "points");
  const row = create(
    "tr",
    "",
    create("td", "rank", rank, zone),
    create("td", "move", move, moveText),
    name,
    goals,
    difference,
    points,
  );
  return { row, cells: { rank, zone, move, moveText, goals, difference, points } };
}

function createSkeletonRow(): HTMLTableRowElement {
  const row = create("tr", "skeleton", create("td", "rank"), create("td", "move"));
  row.append(create("td", "player", create("span", "name", "\u00a0")), create("td", "goals"));
  row.append(create("td", "difference"), create("td", "points"));
  row.ariaHidden = "true";
  return row;
}

function fill(
  { row, cells }: Row,
  standing: TableRow,
  options: ShowOptions & { readonly most: number },
): void {
  const { rank, player, points, goalDifference = 0, goals = 0 } = standing;
  setText(cells.rank, String(rank));
  setText(cells.goals, String(goals));
  setText(cells.difference, signed.format(goalDifference).replace("-", "−"));
  setText(cells.points, scoreText(points));
  const zone = options.board.season === undefined ? undefined : zoneOf(options.board.division, rank);
  mark(row, "zone", zone);
  setText(cells.zone, zone ? zoneTexts[zone] : "");
  const moved = options.moves?.get(player) ?? 0;
  mark(row, "move", moved === 0 ? undefined : moved > 0 ? "up" : "down");
  setText(cells.move, moved === 0 ? "" : String(Math.abs(moved)));
  setText(cells.moveText, moved === 0 ? "" : `${moved > 0 ? "up" : "down"} ${Math.abs(moved)}`);
  mark(row, "played", options.played?.includes(player) ? "true" : undefined);
  mark(row, "own", options.own === player ? "true" : undefined);
  row.style.setProperty("--share", String(Math.max(0, points / options.most)));
}

function mark(row: HTMLElement, name: string, value: string | undefined): void {
  if (row.dataset[name] === value) return;
  if (value === undefined) delete row.dataset[name];
  else row.dataset[name] = value;
}
