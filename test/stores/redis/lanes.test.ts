import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RedisClient } from "express-redis-suite/redis";
import { Lanes } from "../../../stores/redis/lanes.ts";
import { createGate, type Gate } from "../../support/gate.ts";

const LONG_MS = 60_000;
const SERVERS = [{}, {}] as RedisClient[];
const [server, other] = SERVERS as [RedisClient, RedisClient];

describe("Lanes", () => {
  let events: string[];
  beforeEach(() => {
    events = [];
  });
  const jobOf = (name: string, size: number, gate: Gate = createGate()) => ({
    size,
    gate,
    async run(): Promise<void> {
      events.push(name);
      await gate.pass();
    },
    giveUp: () => void events.push(`not ${name}`),
  });

  it("asks a server for so much at a time, in the order in which it came, and each server by itself", async () => {
    const lanes = new Lanes(3, LONG_MS);
    const [a, b, c, d] = [jobOf("a", 2), jobOf("b", 1), jobOf("c", 2), jobOf("d", 1)];
    for (const job of [a, b, c, d]) lanes.add(server, job);
    lanes.add(other, jobOf("e", 3));
    expect(events).to.deep.equal(["a", "b", "e"]);
    // Room for the last, which does not overtake the one before.
    b.gate.open();
    await pause(1);
    expect(events).to.deep.equal(["a", "b", "e"]);
    a.gate.open();
    await pause(1);
    expect(events).to.deep.equal(["a", "b", "e", "c", "d"]);
  });

  it("lets one through that is larger than the room, where nothing else is under way", async () => {
    const lanes = new Lanes(3, LONG_MS);
    const a = jobOf("a", 1);
    lanes.add(server, a);
    lanes.add(server, jobOf("b", 9));
    a.gate.open();
    await pause(1);
    expect(events).to.deep.equal(["a", "b"]);
  });

  it("gives up what has waited for too long, and sends what came later", async () => {
    const lanes = new Lanes(1, 20);
    const a = jobOf("a", 1);
    lanes.add(server, a);
    lanes.add(server, jobOf("b", 1));
    await pause(40);
    lanes.add(server, jobOf("c", 1));
    a.gate.open();
    await pause(1);
    expect(events).to.deep.equal(["a", "not b", "c"]);
  });
});
