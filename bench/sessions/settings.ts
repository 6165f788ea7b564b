export const SECRET = "a secret of the benchmark, as long as one should be";

/** What is the same for all, by the question that is asked of them. */
export interface SessionSettings {
  /** The cookie is set anew with each answer. */
  readonly rolling: boolean;
  readonly maxAgeMs: number;
}
