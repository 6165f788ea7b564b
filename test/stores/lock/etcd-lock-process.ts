import { setTimeout as pause } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { EtcdLockStore } from "express-redis-suite/stores/lock/etcd";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import type { Held, Order, Turn } from "./etcd-lock-processes.ts";

/** One of several processes that lock in one etcd; `etcd-lock-processes.ts` starts it and gives the orders. */
let locks: LockManager | undefined;

process.on("message", (order: Order) => {
  void carryOut(order).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));

async function carryOut(order: Order): Promise<object> {
  if (order.kind === "connect") {
    const client = new Etcd3({ hosts: order.address });
    locks = new LockManager(new EtcdLockStore({ client, prefix: "locks", deadlineMs: 5000 }));
    return {};
  }
  if (!locks) throw new Error("not connected");
  return order.kind === "hold" ? hold(locks, order) : queue(locks, order);
}

async function hold(manager: LockManager, { key, ttlMs }: Order & { kind: "hold" }): Promise<Held> {
  const askedAt = Date.now();
  const { fence } = await manager.acquire(key, { ttlMs, waitMs: 5000 });
  return { askedAt, fence };
}

async function queue(
  manager: LockManager,
  { key, callers, workMs }: Order & { kind: "queue" },
): Promise<{ turns: Turn[] }> {
  const turns: Turn[] = [];
  const wait = async (caller: number): Promise<void> => {
    const askedAt = Date.now();
    await manager.using(key, { ttlMs: 20_000, waitMs: 20_000 }, async ({ fence }) => {
      const takenAt = Date.now();
      await pause(workMs);
      turns.push({ askedAt, caller, fence, takenAt, endedAt: Date.now() });
    });
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => wait(caller)));
  return { turns };
}
