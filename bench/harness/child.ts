import { fork } from "node:child_process";
import { once } from "node:events";

/** A process of its own that answers questions, one at a time; see {@link answerParent}. */
export interface Child {
  /** Rejects with what the child threw, or when it ends before it has answered. */
  readonly ask: <Answer>(question: unknown) => Promise<Answer>;
  /** Lets it end by itself, and waits for that. */
  readonly stop: () => Promise<void>;
}

type Message = { readonly answer: unknown } | { readonly error: string };

/** Starts a script that calls `answerParent`, and waits until it is ready. */
export async function startChild(script: URL, args: readonly string[] = []): Promise<Child> {
  const child = fork(script, [...args], { stdio: ["ignore", 2, 2, "ipc"], serialization: "advanced" });
  const reply = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`${script.pathname} ended with ${code}`));
      child.once("exit", onExit);
      child.once("message", (message: Message) => {
        child.off("exit", onExit);
        if ("error" in message) reject(new Error(message.error));
        else resolve(message.answer);
      });
    });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (child.connected) child.disconnect();
    await once(child, "exit");
  };
  try {
    await reply();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async ask<Answer>(question: unknown): Promise<Answer> {
      if (!child.connected) throw new Error(`${script.pathname} has ended`);
      const answer = reply();
      child.send({ question });
      return (await answer) as Answer;
    },
    stop,
  };
}

/** The child's side: says that it is ready once `prepare` is done, and ends when its parent lets go of it. */
export async function answerParent(
  prepare: () => Promise<(question: never) => Promise<unknown>>,
): Promise<void> {
  process.once("disconnect", () => process.exit());
  await report(async () => {
    const answer = await prepare();
    process.on(
      "message",
      ({ question }: { question: unknown }) => void report(() => answer(question as never)),
    );
    return "ready";
  });
}

async function report(work: () => Promise<unknown>): Promise<void> {
  const message = await work().then(
    (answer): Message => ({ answer }),
    (error: unknown): Message => ({
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  );
  process.send?.(message);
}
