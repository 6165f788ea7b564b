import { expect } from "chai";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { RedisIdempotencyStore } from "express-redis-suite/stores/idempotency/redis";
import { channels } from "express-redis-suite/telemetry";
import fc from "fast-check";
import { decodeAnswer, encodeAnswer } from "../../../middleware/idempotency/record.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { countRuns, idempotentApp, storeWith } from "./idempotent-app.ts";

const away = (): Promise<never> => Promise.reject(new StoreUnavailableError("away"));

describe("idempotency over a store in trouble", () => {
  it("sends the answer where it cannot be kept, and keeps it as soon as the store is back", async () => {
    let isAway = true;
    const store = storeWith((memory) => ({
      complete: (...args) => (isAway ? away() : memory.complete(...args)),
    }));
    const { post, runs } = idempotentApp(countRuns, { store });
    const events = await collectEvents(channels.idempotency, async () => {
      expect((await post('"a"')).status).to.equal(201);
      expect((await post('"a"')).status).to.equal(409);
    });
    expect(events.map(({ outcome, code }) => `${outcome} ${code}`)).to.deep.equal([
      "record-failed STORE_UNAVAILABLE",
      "in-progress undefined",
    ]);
    isAway = false;
    await eventually(async () => expect((await post('"a"')).get("Idempotency-Replayed")).to.equal("true"));
    expect(runs()).to.equal(1);
  });

  it("gives a key back that it may have got without knowing", async () => {
    let asked = 0;
    const store = storeWith((memory) => ({
      async begin(...args) {
        const state = await memory.begin(...args);
        return (asked += 1) === 1 ? away() : state;
      },
    }));
    const { post, runs } = idempotentApp(countRuns, { store });
    expect([(await post('"a"')).status, runs()]).to.deep.equal([503, 0]);
    await eventually(async () => expect((await post('"a"')).body).to.deep.equal({ run: 1 }));
  });

  it("runs nothing for a request that was answered meanwhile, and gives the key back", async () => {
    const asked = createGate();
    const store = storeWith((memory) => ({
      async begin(...args) {
        const state = await memory.begin(...args);
        await asked.pass();
        return state;
      },
    }));
    const { post, runs } = idempotentApp(countRuns, {
      store,
      before: [
        (_req, res, next) => {
          void asked.reached.then(() => res.headersSent || res.status(504).end("too slow"));
          next();
        },
      ],
    });
    expect((await post('"a"')).status).to.equal(504);
    const events = await collectEvents(channels.idempotency, async () => {
      asked.open();
      await eventually(() => expect(runs()).to.equal(0));
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["released"]);
  });

  const work = async (lockMs: number, own: Parameters<typeof storeWith>[0]): Promise<string[]> => {
    const gate = createGate();
    const extended = createGate();
    let extensions = 0;
    const store: IdempotencyStore = storeWith((memory) => ({
      async extend(...args) {
        if ((extensions += 1) === 6) void extended.pass();
        return memory.extend(...args);
      },
      ...own(memory),
    }));
    const { post, runs } = idempotentApp(
      async (req, res) => {
        await gate.pass();
        countRuns(req, res, () => {});
      },
      { store, lockMs },
    );
    const events = await collectEvents(channels.idempotency, async () => {
      const first = post('"a"');
      await extended.reached;
      expect((await post('"a"')).status).to.equal(409);
      gate.open();
      expect((await first).body).to.deep.equal({ run: 1 });
      const ended = extensions;
      await new Promise((resolve) => setTimeout(resolve, lockMs));
      expect([(await post('"a"')).body, runs()]).to.deep.equal([{ run: 1 }, 1]);
      expect(extensions).to.equal(ended);
    });
    return events.map(({ outcome }) => outcome);
  };

  it("extends the key while the handler works, and no longer", async () => {
    // The lock is over twice by then.
    expect(await work(240, () => ({}))).to.deep.equal(["in-progress", "recorded", "replayed"]);
  });

  it("leaves the answer of whoever has taken over a key whose process stood still", async () => {
    const gate = createGate();
    const memory = new MemoryIdempotencyStore();
    // A process that stands still extends nothing.
    const still: IdempotencyStore = {
      maxRecordBytes: memory.maxRecordBytes,
      begin: (...args) => memory.begin(...args),
      extend: () => new Promise(() => {}),
      complete: (...args) => memory.complete(...args),
      abandon: (...args) => memory.abandon(...args),
    };
    const options = { scope: () => "", lockMs: 60 };
    const late = idempotentApp(
      async (_req, res) => {
        await gate.pass();
        res.send("late");
      },
      { ...options, store: still },
    );
    const sound = idempotentApp((_req, res) => void res.send("in time"), { ...options, store: memory });
    const events = await collectEvents(channels.idempotency, async () => {
      const first = late.post('"a"');
      await gate.reached;
      await eventually(async () => expect((await sound.post('"a"')).text).to.equal("in time"));
      gate.open();
      expect((await first).text).to.equal("late");
    });
    expect(events.map(({ outcome }) => outcome).filter((outcome) => outcome !== "in-progress")).to.deep.equal(
      ["recorded", "lost"],
    );
    expect((await sound.post('"a"')).text).to.equal("in time");
  });

  for (const [what, bytes] of Object.entries({
    nothing: "",
    "foreign bytes": "foreign",
    "the kind alone": "\u0031",
    "a length beyond the end": "\u0031\u0000\u0000\u0001\u0000{}",
    "metadata that are no JSON": "\u0031\u0000\u0000\u0000\u0002{]",
    "metadata of another shape": "\u0031\u0000\u0000\u0000\u0002{}",
    "a status that is none": frame('{"status":99,"headers":[]}'),
    "a field that cannot be sent": frame('{"status":200,"headers":[["x","a\\nb"]]}'),
    "a field of the connection": frame('{"status":200,"headers":[["Transfer-Encoding","chunked"]]}'),
    "a later version": `\u0041${frame('{"status":200,"headers":[]}').slice(1)}`,
  })) {
    it(`runs nothing again, and answers 409, where the record is ${what}`, async () => {
      const store = new RedisIdempotencyStore({ client: redis(), prefix: "app", deadlineMs: PATIENT_MS });
      const { post, runs } = idempotentApp(undefined, { store });
      await post('"a"');
      const [key = ""] = await redis().keys("app:*");
      await redis().hset(key, "record", bytes);
      for (let sent = 0; sent < 2; sent++) {
        const retry = await post('"a"');
        expect([retry.status, retry.type, runs()]).to.deep.equal([409, "application/problem+json", 1]);
      }
    });
  }

  it("never throws at a record that is damaged somewhere", () => {
    const body = Buffer.from("body");
    const record = encodeAnswer({ status: 200, headers: [["x-a", ["1", "2"]]], body }, 1000);
    if (!record) return expect.fail("it is short enough");
    fc.assert(
      fc.property(fc.nat(record.length - 1), fc.nat(255), fc.nat(record.length), (at, byte, length) => {
        const damaged = Buffer.from(record.subarray(0, length));
        if (at < length) damaged[at] = byte;
        const read = decodeAnswer(damaged);
        if (read) expect(read.status).to.be.within(200, 999);
      }),
    );
  });
});

function frame(json: string): string {
  return `\u0031\u0000\u0000\u0000${String.fromCodePoint(json.length)}${json}`;
}
