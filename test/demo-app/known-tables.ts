/** A final table as it stands in the record books: the teams in their order, with their points. */
export type KnownTable = readonly (readonly [team: string, points: number])[];

export const PREMIER_LEAGUE_2015: KnownTable = [
  ["Leicester City", 81],
  ["Arsenal", 71],
  ["Tottenham Hotspur", 70],
  ["Manchester City", 66],
  ["Manchester United", 66],
  ["Southampton", 63],
  ["West Ham United", 62],
  ["Liverpool", 60],
  ["Stoke City", 51],
  ["Chelsea", 50],
  ["Everton", 47],
  ["Swansea", 47],
  ["Watford", 45],
  ["West Bromwich Albion", 43],
  ["Crystal Palace", 42],
  ["Bournemouth", 42],
  ["Sunderland", 39],
  ["Newcastle United", 37],
  ["Norwich", 34],
  ["Aston Villa", 17],
];

export const BUNDESLIGA_2013: KnownTable = [
  ["FC Bayern Munchen", 90],
  ["Borussia Dortmund", 71],
  ["Schalke 04", 64],
  ["Bayer 04 Leverkusen", 61],
  ["VfL Wolfsburg", 60],
  ["Borussia M'gladbach", 55],
  ["1. FSV Mainz 05", 53],
  ["FC Augsburg", 52],
  ["1899 Hoffenheim", 44],
  ["Hannover 96", 42],
  ["Hertha BSC", 41],
  ["Werder Bremen", 39],
  ["Eintracht Frankfurt", 36],
  ["SC Freiburg", 36],
  ["VfB Stuttgart", 32],
  ["Hamburger SV", 27],
  ["1. FC Nurnberg", 26],
  ["Eintr. Braunschweig", 25],
];

/**
 * Two matches of that season ended 1-1 and are 1-0 in the data set: Werder Bremen against VfB Stuttgart, and Hamburger
 * SV against SC Freiburg. The order of the table is the same with and without them.
 */
export const BUNDESLIGA_2013_IN_DATA: KnownTable = BUNDESLIGA_2013.map(([team, points]) => {
  const wrongBy: Readonly<Record<string, number>> = {
    "Werder Bremen": 2,
    "VfB Stuttgart": -1,
    "Hamburger SV": 2,
    "SC Freiburg": -1,
  };
  return [team, points + (wrongBy[team] ?? 0)];
});
