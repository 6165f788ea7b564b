import { byId, setText } from "./elements.ts";
import { patienceOf, type Problem } from "./problem.ts";

export interface Notice {
  /**
   * Shows the problem; with `again`, counts down and then calls it, unless the reader does so earlier. Whoever is called
   * shows another problem or clears this one.
   */
  show(problem: Problem, again?: () => void): void;
  clear(): void;
}

export function createNotice(): Notice {
  const box = byId("notice", HTMLElement);
  const title = byId("notice-title", HTMLElement);
  const detail = byId("notice-detail", HTMLElement);
  const button = byId("notice-retry", HTMLButtonElement);
  let timer: ReturnType<typeof setInterval> | undefined;
  let retry: (() => void) | undefined;

  function clear(): void {
    clearInterval(timer);
    retry = undefined;
    box.hidden = true;
  }

  /** Leaves the box where it is until there is an answer: it would flicker, and drop the focus of its button. */
  function tryAgain(): void {
    const again = retry;
    clearInterval(timer);
    retry = undefined;
    setText(button, "Trying …");
    again?.();
  }

  button.addEventListener("click", tryAgain);

  return {
    clear,
    show(problem, again) {
      clear();
      retry = again;
      button.hidden = !again;
      setText(title, problem.title.replace(/\.?$/, "."));
      setText(detail, problem.detail);
      box.hidden = false;
      if (!again) return;
      let left = patienceOf(problem);
      const tell = (): void => setText(button, `Try now (${left} s)`);
      tell();
      timer = setInterval(() => {
        left -= 1;
        tell();
        if (left <= 0) tryAgain();
      }, 1000);
    },
  };
}
