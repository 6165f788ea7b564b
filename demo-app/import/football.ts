import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { matchId, type Match } from "../ladder/match.ts";

/** What the file holds: the matches with a result, and how many there are without. */
export interface FootballMatches {
  readonly matches: readonly Match[];
  readonly withoutScore: number;
}

const MOST_GOALS = 99;

/** Reads the 6,508 league matches that the package vega-datasets carries. */
export async function readFootball(): Promise<FootballMatches> {
  const path = createRequire(import.meta.url).resolve("vega-datasets/data/football.json");
  return parseFootball(JSON.parse(await readFile(path, "utf8")));
}

/**
 * Checks every record: a real date, two different teams, a score for both or for neither, and no match twice.
 *
 * @throws TypeError that names the record by its number, from 1, and the field at fault
 */
export function parseFootball(records: unknown): FootballMatches {
  if (!Array.isArray(records)) throw new TypeError("football.json must hold a list of matches");
  const parsed = records.map((record: unknown, at) => parseMatch(record, `football.json: match ${at + 1}`));
  const matches = parsed.filter((match) => match !== undefined);
  const seen = new Set<string>();
  for (const match of matches) {
    const id = matchId(match);
    if (seen.has(id)) throw new TypeError(`football.json: ${id} is there twice`);
    seen.add(id);
  }
  return { matches, withoutScore: parsed.length - matches.length };
}

function parseMatch(record: unknown, where: string): Match | undefined {
  if (typeof record !== "object" || record === null) throw new TypeError(`${where} must be an object`);
  const fields = record as Record<string, unknown>;
  const match = {
    date: parseDate(fields["date"], where),
    division: parseName(fields, "division", where),
    home: parseName(fields, "home_team", where),
    away: parseName(fields, "away_team", where),
  };
  if (match.home === match.away) throw new TypeError(`${where}: home_team and away_team are the same`);
  if (fields["home_score"] === null && fields["away_score"] === null) return undefined;
  return {
    ...match,
    homeScore: parseGoals(fields, "home_score", where),
    awayScore: parseGoals(fields, "away_score", where),
  };
}

function parseDate(value: unknown, where: string): string {
  const time =
    typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN;
  // Date.parse takes 2014-02-30 for the second of March in some engines and for no date in others.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== value) {
    throw new TypeError(`${where}: date must be a day such as 2015-08-08, not ${JSON.stringify(value)}`);
  }
  return value;
}

function parseName(fields: Record<string, unknown>, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value.trim() === "") {
    throw new TypeError(`${where}: ${name} must be a name, not ${JSON.stringify(value)}`);
  }
  return value;
}

function parseGoals(fields: Record<string, unknown>, name: string, where: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > MOST_GOALS) {
    throw new TypeError(`${where}: ${name} must be a whole number of goals, not ${JSON.stringify(value)}`);
  }
  return value;
}
