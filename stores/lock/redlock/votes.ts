import { StoreUnavailableError } from "../../errors.ts";

/**
 * What several masters said so far. `pending` have neither answered nor failed.
 *
 * @returns what is certain by now, whatever the others will say; undefined where nothing is
 */
export type Verdict<Answer, Outcome> = (answers: readonly Answer[], pending: number) => Outcome | undefined;

/**
 * Resolves as soon as there is a verdict, without waiting for those whose answer changes nothing.
 *
 * Rejects with a {@link StoreUnavailableError}, whose `cause` has the error of each that failed, where so many fail that
 * no majority can answer any more, or where all are heard and there is no verdict.
 */
export function majorityOf<Answer, Outcome>(
  asked: readonly Promise<Answer>[],
  verdict: Verdict<Answer, Outcome>,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const answers: Answer[] = [];
    const failures: unknown[] = [];
    const count = (): void => {
      const pending = asked.length - answers.length - failures.length;
      const outcome = verdict(answers, pending);
      if (outcome !== undefined) resolve(outcome);
      else if (failures.length >= majority(asked.length) || pending === 0) {
        const cause = new AggregateError(failures);
        reject(
          new StoreUnavailableError(`${failures.length} of ${asked.length} Redis masters failed`, { cause }),
        );
      }
    };
    for (const one of asked) {
      one.then(
        (answer) => (answers.push(answer), count()),
        (error: unknown) => (failures.push(error), count()),
      );
    }
  });
}

/** More than half, so that any two majorities have a member in common. */
export function majority(of: number): number {
  return Math.floor(of / 2) + 1;
}
