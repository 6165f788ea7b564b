import type { Figure } from "./comparison.ts";
import { markdownTable } from "./table.ts";

export interface Goal {
  readonly text: string;
  readonly atMost: number;
  /** A figure with noise is judged by its median; a count has no minimum beside it. */
  readonly measured: number | Figure;
}

export function goalsTable(goals: readonly Goal[]): string {
  return markdownTable<Goal>(
    [
      { title: "goal", cell: ({ text }) => text },
      { title: "at most", cell: ({ atMost }) => String(atMost) },
      {
        title: "measured",
        cell: ({ measured }) => shown(typeof measured === "number" ? measured : measured.median),
      },
      {
        title: "by minima",
        cell: ({ measured }) => (typeof measured === "number" ? "" : shown(measured.min)),
      },
      { title: "result", cell: verdict },
    ],
    goals,
  );
}

function verdict({ atMost, measured }: Goal): string {
  const figure = typeof measured === "number" ? measured : measured.median;
  if (figure <= atMost) return "pass";
  return atMost === 0 ? "missed" : `missed by ${((figure / atMost - 1) * 100).toFixed(0)} %`;
}

function shown(figure: number): string {
  return Number.isInteger(figure) ? String(figure) : figure.toFixed(figure < 1 ? 3 : 2);
}
