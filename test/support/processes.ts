import { fork, type ChildProcess, type Serializable } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A process that carries out orders, one at a time, and answers each once that is done. */
export interface OrderedProcess<Order> {
  order<Answer = object>(order: Order): Promise<Answer>;
  kill(): void;
}

/** Starts processes for the time of the surrounding `describe`; each is told `first`, with its number, at its start. */
export function useProcesses<Order extends Serializable>(
  script: URL,
  count: number,
  first: (index: number) => Order,
): () => readonly OrderedProcess<Order>[] {
  let children: ChildProcess[] = [];
  let processes: OrderedProcess<Order>[] = [];
  before(async function () {
    this.timeout(60_000);
    children = Array.from({ length: count }, () => fork(fileURLToPath(script)));
    processes = children.map((child) => orderedProcess<Order>(child));
    await Promise.all(processes.map((process, index) => process.order(first(index))));
  });
  after(async () => {
    await Promise.all(children.map(end));
  });
  return () => processes;
}

function orderedProcess<Order extends Serializable>(child: ChildProcess): OrderedProcess<Order> {
  return {
    async order<Answer>(order: Order): Promise<Answer> {
      const listening = new AbortController();
      const { signal } = listening;
      const answered = Promise.race([
        once(child, "message", { signal }).then(([answer]) => answer as Answer),
        once(child, "exit", { signal }).then(() => Promise.reject(new Error("the process has ended"))),
      ]);
      child.send(order);
      return answered.finally(() => listening.abort());
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
