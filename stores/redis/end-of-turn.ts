import { AsyncResource } from "node:async_hooks";

type Task = () => void;

const sends: Task[] = [];
const writes: Task[] = [];
let scheduled = false;

/** For what gathers questions: sends them once what else is due in this turn of the event loop has run. */
export function sendAtEndOfTurn(send: Task): void {
  // One immediate for all, but each in the context (a trace's span) of whoever asked for it. Not by
  // `AsyncResource.bind`, which takes longer than Redis does.
  const context = new AsyncResource("END_OF_TURN");
  sends.push(() => context.runInAsyncScope(send));
  schedule();
}

/** For what gathers commands: writes them in the same turn, after all that is sent at its end. */
export function writeAtEndOfTurn(write: Task): void {
  writes.push(write);
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  try {
    for (let task: Task | undefined; (task = sends.shift() ?? writes.shift());) task();
  } finally {
    scheduled = false;
    // After one that threw.
    if (sends.length + writes.length > 0) schedule();
  }
}
