import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { SessionTooLargeError } from "express-redis-suite/stores/errors";
import { RedisSessionStore, type SessionValuesOptions } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import type { SessionData } from "express-session";
import { collectEvents } from "../../support/collect-events.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { sessionKey, storedText } from "./stored-record.ts";

const [OLD, NEW] = [randomBytes(32), randomBytes(32)];
const storeOf = (values: SessionValuesOptions): RedisSessionStore =>
  new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS, values });
const newSession = (data: object = {}): SessionData => ({ cookie: { originalMaxAge: 60_000 }, ...data });
const key = sessionKey("sess", "sid");

async function reasonsOf(run: () => Promise<unknown>): Promise<unknown[]> {
  const events = await collectEvents(channels.sessionChange, run);
  return events.map(({ change, reason }) => reason ?? change);
}

describe("what RedisSessionStore stores", () => {
  it("is bounded: a longer session is refused, and the one before stays", async () => {
    const store = storeOf({ maxBytes: 1000 });
    await store.set("sid", newSession({ player: "ada" }));
    const session = (await store.get("sid")) ?? newSession();
    const failure: unknown = await store
      .set("sid", Object.assign(session, { text: "é".repeat(600) }))
      .catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(SessionTooLargeError);
    expect(await store.get("sid"))
      .to.include({ player: "ada" })
      .and.not.have.property("text");
  });

  it("is bounded in its depth, so that what is saved can be read", async () => {
    const store = storeOf({});
    const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    await store.set("sid", newSession({ player: "ada" }));
    const save = (deep: unknown): Promise<unknown> =>
      store.set("sid", newSession({ deep })).catch((error: unknown) => error);
    expect(await save(nested(1000)))
      .to.be.instanceOf(TypeError)
      .with.property("message")
      .that.includes("deep");
    expect(await store.get("sid")).to.include({ player: "ada" });
    for (const deep of [nested(999), Array.from({ length: 2000 }, () => []), "[{".repeat(2000)]) {
      expect(await save(deep)).to.equal(undefined);
      expect(await store.get("sid")).to.have.deep.property("deep", deep);
    }
  });

  it("is bounded for the one that is too long alone, of those that are saved together", async () => {
    const store = storeOf({ maxBytes: 1000 });
    await store.set("sid", newSession());
    const sessions = await Promise.all([0, 1, 2, 3].map(() => store.get("sid")));
    const saves = sessions.map((session, at) =>
      store.set(
        "sid",
        Object.assign(session ?? newSession(), { [`key ${at}`]: at === 2 ? "x".repeat(2000) : at }),
      ),
    );
    const outcomes = await Promise.allSettled(saves);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(await store.get("sid")).to.include({ "key 0": 0, "key 1": 1, "key 3": 3 });
  });

  it("is not read where it is longer than this store takes", async () => {
    await storeOf({}).set("sid", newSession({ text: "x".repeat(5000) }));
    const small = storeOf({ maxBytes: 1000 });
    expect(await reasonsOf(async () => expect(await small.get("sid")).to.equal(null))).to.deep.equal([
      "too-large",
    ]);
    expect(await small.length()).to.equal(1);
  });

  it("is encrypted, goes from key to key, and ends with the last key", async () => {
    const [old, both, next] = [
      storeOf({ keys: [OLD] }),
      storeOf({ keys: [NEW, OLD] }),
      storeOf({ keys: [NEW] }),
    ];
    await old.set("sid", newSession({ player: "ada" }));
    expect(await storedText(redis(), key)).to.not.include("ada");
    expect(await reasonsOf(async () => expect(await next.get("sid")).to.equal(null))).to.deep.equal([
      "unknown-key",
    ]);
    const session = (await both.get("sid")) ?? newSession();
    expect(session).to.include({ player: "ada" });
    await both.set("sid", Object.assign(session, { turns: 1 }));
    expect(await next.get("sid")).to.include({ player: "ada", turns: 1 });
    expect(await old.get("sid")).to.equal(null);
  });

  it("is merged though it is encrypted and compressed", async () => {
    const values = { keys: [OLD], compressOverBytes: 100 };
    const [one, other] = [storeOf(values), storeOf(values)];
    await one.set("sid", newSession({ text: "x".repeat(3000) }));
    const [mine, theirs] = [(await one.get("sid")) ?? newSession(), (await other.get("sid")) ?? newSession()];
    await Promise.all([
      one.set("sid", Object.assign(mine, { mine: 1 })),
      other.set("sid", Object.assign(theirs, { theirs: 1 })),
    ]);
    expect(await one.get("sid")).to.include({ mine: 1, theirs: 1, text: "x".repeat(3000) });
    expect(await redis().strlen(key)).to.be.below(600);
  });

  it("is worth nothing under the key of another session", async () => {
    const store = storeOf({ keys: [OLD] });
    await store.set("sid", newSession({ player: "ada" }));
    await redis().copy(key, sessionKey("sess", "of mallory"));
    const reasons = await reasonsOf(async () => expect(await store.get("of mallory")).to.equal(null));
    expect(reasons).to.deep.equal(["not-authentic"]);
  });

  it("is gone for a request that finds at its save what it cannot read", async () => {
    const store = storeOf({ keys: [OLD] });
    await store.set("sid", newSession());
    const session = (await store.get("sid")) ?? newSession();
    await storeOf({ keys: [NEW] }).set("sid", newSession());
    const failure: unknown = await store
      .set("sid", Object.assign(session, { turns: 1 }))
      .catch((error: unknown) => error);
    expect(failure).to.have.property("code", "SESSION_ENDED");
  });
});
