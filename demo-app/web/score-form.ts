import { once, type Account } from "./account.ts";
import type { Api } from "./api.ts";
import { byId } from "./elements.ts";
import { sentence } from "./problem.ts";
import { scoreOf } from "./score-text.ts";

export interface ScoreFormParts {
  readonly api: Api;
  readonly account: Account;
  /** A score is in; answers what to add to the confirmation. */
  readonly onScore: () => Promise<string>;
}

/** Posts the player's own score to the free board. */
export function createScoreForm({ api, account, onScore }: ScoreFormParts): void {
  const form = byId("score-form", HTMLFormElement);
  const input = byId("score", HTMLInputElement);

  async function post(): Promise<void> {
    const score = scoreOf(input.value);
    if (!Number.isFinite(score)) {
      input.focus();
      return account.say("A score is a number.", "bad");
    }
    const answer = await api.ask<{ rank: number }>("/score", {
      post: { player_id: account.player(), score },
    });
    if (answer.ok) {
      account.say(`Posted: number ${answer.body.rank} of the free board. ${await onScore()}`.trim());
      return;
    }
    account.say(sentence(answer.problem), "bad");
    // The session has ended meanwhile, or is another player's: one who logged in in another tab.
    if ([401, 403].includes(answer.problem.status)) await account.resume();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void once(form, post);
  });
}
