import { byId, setText } from "./elements.ts";
import type { Problem } from "./problem.ts";

export interface Notice {
  /** Shows the problem; with `again`, counts down and then calls it, unless the reader does so earlier. */
  show(problem: Problem, again?: () => void): void;
  clear(): void;
}

/** Seconds to wait when a refusal that may pass does not say how long. */
const patienceS = 3;

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

  button.addEventListener("click", () => {
    const again = retry;
    clear();
    again?.();
  });

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
      let left = Math.max(1, problem.retryAfterS ?? patienceS);
      const tell = (): void => setText(button, `Try now (${left} s)`);
      tell();
      timer = setInterval(() => {
        left -= 1;
        tell();
        if (left > 0) return;
        clear();
        again();
      }, 1000);
    },
  };
}
