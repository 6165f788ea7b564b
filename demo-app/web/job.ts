import type { Account } from "./account.ts";
import type { Api } from "./api.ts";
import { byId, setText } from "./elements.ts";
import { sentence } from "./problem.ts";

/** The button stays enabled while the job runs: a second press is how one meets the lock. */
export function createJob({ api, account }: { readonly api: Api; readonly account: Account }): void {
  const button = byId("job", HTMLButtonElement);
  let running = 0;

  async function run(): Promise<void> {
    running += 1;
    if (running === 1) account.say("The job runs and holds the lock …");
    setText(button, "Run the job again");
    const answer = await api.ask("/process", { post: {} });
    running -= 1;
    if (running === 0) setText(button, "Run the job");
    if (answer.ok) account.say("The job is done, the lock is free.");
    else account.say(`${answer.problem.status || "No answer"}: ${sentence(answer.problem)}`, "bad");
    // The session has ended meanwhile.
    if (!answer.ok && answer.problem.status === 401) await account.resume();
  }

  button.addEventListener("click", () => void run());
}
