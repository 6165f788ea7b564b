import type { Account } from "./account.ts";
import type { Api } from "./api.ts";
import { byId, create } from "./elements.ts";
import { sentence, type Problem } from "./problem.ts";
import { dayAndTime, timeLeft, timeSince } from "./time-words.ts";

interface ListedSession {
  readonly id: string;
  readonly current: boolean;
  readonly browser: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly expiresAt: string;
}

export interface Sessions {
  /** Whoever sits here now must not see where the last player is logged in. */
  forget(): void;
}

/** Where the player is logged in: asked for when the list is opened, never before. */
export function createSessions({ api, account }: { readonly api: Api; readonly account: Account }): Sessions {
  const box = byId("sessions-box", HTMLDetailsElement);
  const list = byId("sessions", HTMLUListElement);
  const everywhere = byId("logout-everywhere", HTMLButtonElement);

  async function refuse(problem: Problem): Promise<void> {
    account.say(sentence(problem), "bad");
    if (problem.status === 401) await account.resume();
  }

  async function load(): Promise<void> {
    const answer = await api.ask<{ sessions: ListedSession[] }>("/sessions");
    if (!answer.ok) return refuse(answer.problem);
    const present = answer.body.sessions.filter(({ current }) => current);
    const others = answer.body.sessions.filter(({ current }) => !current);
    list.replaceChildren(...[...present, ...others].map(line));
  }

  async function end(session: ListedSession): Promise<void> {
    const answer = await api.ask(`/sessions/${encodeURIComponent(session.id)}`, { method: "DELETE" });
    if (!answer.ok && answer.problem.status !== 404) return refuse(answer.problem);
    if (session.current) return account.left("Logged out.");
    account.say(answer.ok ? `${session.browser} is logged out.` : "That login had ended already.");
    await load();
    // The button that was pressed is gone with its line.
    list.querySelector("button")?.focus();
  }

  async function endAll(): Promise<void> {
    const answer = await api.ask<{ ended: number }>("/logout-everywhere", { post: {} });
    if (!answer.ok) return refuse(answer.problem);
    const { ended } = answer.body;
    account.left(ended > 1 ? `Logged out in ${ended} places, this one included.` : "Logged out.");
  }

  function line(session: ListedSession): HTMLLIElement {
    const { browser, current, createdAt, lastUsedAt, expiresAt } = session;
    const name = create("strong", "", browser);
    const since = `Logged in ${dayAndTime(createdAt)}.`;
    const used = current ? "" : ` Used ${timeSince(lastUsedAt)}.`;
    const note = create("p", "note", `${since}${used} Ends in ${timeLeft(expiresAt)} unless used.`);
    note.id = `${session.id.slice(1)}-note`;
    const button = create("button", "quiet", "Log out");
    button.type = "button";
    button.setAttribute("aria-label", `Log out ${browser}${current ? ", this one" : ""}`);
    button.setAttribute("aria-describedby", note.id);
    button.addEventListener("click", () => void once(button, () => end(session)));
    const title = create(
      "p",
      "session-title",
      name,
      ...(current ? [" ", create("span", "this-one", "this one")] : []),
    );
    return create("li", "session", title, button, note);
  }

  box.addEventListener("toggle", () => box.open && void load());
  everywhere.addEventListener("click", () => void once(everywhere, endAll));
  return {
    forget() {
      box.open = false;
      list.replaceChildren();
    },
  };
}

/** A second press while the first is on its way does nothing. */
async function once(button: HTMLButtonElement, action: () => Promise<void>): Promise<void> {
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  await action().finally(() => (button.ariaBusy = null));
}
