import type { Answer, Api } from "./api.ts";
import { byId, setText } from "./elements.ts";
import { mayPass, patienceOf, sentence } from "./problem.ts";

export interface Account {
  /** Asks who is logged in, if anybody was when last heard; again a little later where the server cannot say. */
  resume(): Promise<void>;
  player(): string | undefined;
  say(text: string, tone?: "good" | "bad"): void;
  /** The player has been logged out, by whatever was asked of the server. */
  left(text: string): void;
}

export interface AccountParts {
  readonly api: Api;
  readonly onPlayer: (player: string | undefined) => void;
}

interface Profile {
  readonly player: string;
}

/** Remembers that there was a login, never who or with what: asking for a profile that cannot be there would be a 401 a visit. */
const memory = "was-logged-in";

export function createAccount({ api, onPlayer }: AccountParts): Account {
  const login = byId("login", HTMLFormElement);
  const username = byId("username", HTMLInputElement);
  const password = byId("password", HTMLInputElement);
  const pane = byId("player-pane", HTMLElement);
  let player: string | undefined;

  function setPlayer(next: string | undefined): void {
    player = next;
    const keepsFocus = next === undefined && pane.contains(document.activeElement);
    login.hidden = next !== undefined;
    pane.hidden = next === undefined;
    // What had the focus is hidden now: without another place the keyboard would be back at the top of the page.
    if (keepsFocus) username.focus();
    setText(byId("player-name", HTMLElement), next ?? "");
    if (next === undefined) localStorage.removeItem(memory);
    else localStorage.setItem(memory, "yes");
    onPlayer(next);
  }

  async function enter(path: "/login" | "/register"): Promise<void> {
    const credentials = { username: username.value.trim(), password: password.value };
    if (!credentials.username || !credentials.password) {
      (credentials.username ? password : username).focus();
      say("A name and a password, please.", "bad");
      return;
    }
    const answer = await api.ask<Profile>(path, { post: credentials });
    if (!answer.ok) return say(sentence(answer.problem), "bad");
    password.value = "";
    setPlayer(answer.body.player);
    say(path === "/register" ? "Registered and logged in." : "Logged in.");
    byId("score", HTMLInputElement).focus();
  }

  async function leave(): Promise<void> {
    const answer: Answer<undefined> = await api.ask("/logout", { post: {} });
    if (!answer.ok) return say(sentence(answer.problem), "bad");
    left("Logged out.");
  }

  function left(text: string): void {
    setPlayer(undefined);
    say(text);
    username.focus();
  }

  login.addEventListener("submit", (event) => {
    event.preventDefault();
    const registers = event.submitter instanceof HTMLButtonElement && event.submitter.value === "register";
    void once(login, () => enter(registers ? "/register" : "/login"));
  });
  byId("logout", HTMLButtonElement).addEventListener("click", () => void leave());

  async function resume(): Promise<void> {
    // The memory is every tab's: whoever logged out in another one is still shown in this one.
    if (player === undefined && localStorage.getItem(memory) === null) return;
    const answer = await api.ask<Profile>("/profile");
    if (answer.ok) return setPlayer(answer.body.player);
    const { problem } = answer;
    if (problem.status === 401) return setPlayer(undefined);
    // Who is shown already will be asked about again when they do something.
    if (mayPass(problem)) setTimeout(() => player === undefined && void resume(), patienceOf(problem) * 1000);
  }

  return { say, left, player: () => player, resume };
}

function say(text: string, tone: "good" | "bad" = "good"): void {
  const message = byId("account-message", HTMLElement);
  message.dataset["tone"] = tone;
  setText(message, text);
}

/** A second press while the first is on its way does nothing. */
export async function once(form: HTMLFormElement, action: () => Promise<void>): Promise<void> {
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  await action().finally(() => {
    form.ariaBusy = null;
  });
}
