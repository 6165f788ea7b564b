/** What a process of `page-process.ts` can be told to do; it answers each order once it is carried out. */
export type PageOrder =
  | { readonly kind: "connect"; readonly url: string }
  /** Sends as many requests for a path at once to a page of its own that takes `runMs`. */
  | {
      readonly kind: "ask";
      readonly path: string;
      readonly count: number;
      readonly runMs: number;
      readonly control?: string;
    };

export interface PageAnswers {
  readonly statuses: readonly number[];
  readonly bodies: readonly string[];
  /** How often the handler has run for them in this process. */
  readonly runs: number;
}
