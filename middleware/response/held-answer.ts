/** An answer that waits until one of its methods is called; the first call counts. */
export interface HeldAnswer {
  /** Whether its head went out before, so that it can be cut off, but not be replaced. */
  readonly isBegun: boolean;
  /**
   * Sends what waits, and lets the rest through.
   *
   * @throws what Node throws for a head that it refuses only now; the response is then as `withdraw` leaves it
   */
  release(): void;
  /**
   * Makes the response as it was before the answer, for another one; of an answer that is begun, cuts the connection. What
   * layers inside have put in place of its methods goes with the answer.
   */
  withdraw(): void;
}

/** What is about to go out: an answer's head, or the end of one whose head went out without its end. */
export type AnswerPart = "head" | "end";

/** Returns what to call once the part waits, or undefined for one that goes out at once. May set headers. */
export type AskAnswer = (part: AnswerPart) => ((held: HeldAnswer) => void) | undefined;
