/** As many as log in before the load begins, so that no session is hot. */
export const USERS = 1000;

export function userOf(login: number): string {
  return `user-${login % USERS}`;
}

/** What an app keeps of somebody who is logged in; some 300 bytes of JSON. */
export interface Profile {
  readonly name: string;
  readonly roles: readonly string[];
  readonly preferences: { readonly theme: string; readonly locale: string; readonly timeZone: string };
  readonly csrfToken: string;
  readonly recent: readonly string[];
}

export function profileOf(userId: string): Profile {
  return {
    name: `Player ${userId}`,
    roles: ["player", "moderator"],
    preferences: { theme: "dark", locale: "en-GB", timeZone: "Europe/Berlin" },
    csrfToken: "kZ9mQ2vX7wB4nR8tY1cF6hJ3",
    recent: ["board/weekly", "board/friends", "match/48213", "player/1177"],
  };
}
