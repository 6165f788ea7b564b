import { expect } from "chai";
import fc from "fast-check";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import request, { type Response } from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { sessionApp } from "./session-app.ts";
import { recordOf, sessionKey } from "./stored-record.ts";

const PREFIX = "sess";
const COOKIE = '{"originalMaxAge":60000,"path":"/","httpOnly":true}';

function newStore(): RedisSessionStore {
  return new RedisSessionStore({ client: redis(), prefix: PREFIX, deadlineMs: PATIENT_MS });
}

const cookieOf = ({ headers }: Response): string => String(headers["set-cookie"]).split(";")[0] ?? "";

const ATTRIBUTES = [
  "originalMaxAge",
  "expires",
  "_expires",
  "maxAge",
  "path",
  "domain",
  "sameSite",
  "secure",
  "httpOnly",
  "partitioned",
  "priority",
  "data",
  "serialize",
  "__proto__",
];

const anyCookie = fc.oneof(
  fc.json(),
  fc
    .dictionary(fc.constantFrom(...ATTRIBUTES), fc.jsonValue({ maxDepth: 1 }))
    .map((attributes) => JSON.stringify({ originalMaxAge: 1000, ...attributes })),
);
const anyData = fc.oneof(
  fc.json(),
  fc
    .dictionary(
      fc.constantFrom("cookie", "req", "id", "save", "touch", "toJSON", "__proto__", "constructor", "player"),
      fc.jsonValue({ maxDepth: 1 }),
    )
    .map((data) => JSON.stringify(data)),
);
/** What may lie under a session's key: bytes, JSON, and records that are right up to the last part. */
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc.json(),
  fc.string().map((rest) => `ers1 ${rest}`),
  fc.string().map((text) => recordOf(text)),
  fc.tuple(anyCookie, anyData).map(([cookie, data]) => recordOf(`${cookie}\n${data}`)),
  anyCookie.map((cookie) => recordOf(`${cookie}\n{}`)),
  anyData.map((data) => recordOf(`${COOKIE}\n${data}`)),
  fc.nat(400).map((length) => recordOf(`${COOKIE}\n{"player":"ada"}`).slice(0, length)),
);

describe("what is stored in a session's place", () => {
  it("makes no error, whatever it is: 500 of them", async function () {
    this.timeout(120_000);
    const app = sessionApp(newStore(), { maxAge: 60_000 });
    const login = await request(app).post("/login/ada");
    const key = sessionKey(PREFIX, (login.body as { sid: string }).sid);
    const cookie = cookieOf(login);
    await fc.assert(
      fc.asyncProperty(anything, fc.boolean(), async (value, writes) => {
        await redis().set(key, value);
        const answer = await (writes ? request(app).post("/visit") : request(app).get("/me")).set(
          "Cookie",
          cookie,
        );
        expect(answer.status, answer.text).to.equal(200);
      }),
      { numRuns: 500 },
    );
  });

  const unreadable: Record<string, readonly [value: string | Buffer, reason: string]> = {
    "bytes of somebody's": [Buffer.from([0, 1, 255]), "foreign"],
    "a session of connect-redis": ['{"cookie":{"path":"/"},"player":"ada"}', "foreign"],
    "a record cut in its head": [recordOf("").slice(0, 60), "foreign"],
    "a record of a later version": [recordOf(`${COOKIE}\n{}`).replace("ers1", "ers2"), "foreign"],
    "a record without data": [recordOf(COOKIE), "malformed"],
    "a record cut in its data": [recordOf(`${COOKIE}\n{"player":"ad`), "malformed"],
    "null for data": [recordOf(`${COOKIE}\nnull`), "malformed"],
    "a list for data": [recordOf(`${COOKIE}\n[]`), "malformed"],
    "null for a cookie": [recordOf(`null\n{}`), "malformed"],
    "a cookie that throws": [recordOf(`{"originalMaxAge":null,"sameSite":"sideways"}\n{}`), "malformed"],
    "an age that is no date": [recordOf(`{"originalMaxAge":1e300}\n{}`), "malformed"],
    "a second cookie": [recordOf(`${COOKIE}\n{"cookie":{}}`), "malformed"],
    "an own __proto__": [recordOf(`${COOKIE}\n{"__proto__":{"player":"mallory"}}`), "malformed"],
    "an own __proto__ deep in it": [recordOf(`${COOKIE}\n{"a":[{"\\u005f_proto__":1}]}`), "malformed"],
    "data too deep to be written": [
      recordOf(`${COOKIE}\n{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
      "malformed",
    ],
    "a megabyte": [recordOf(`${COOKIE}\n{"a":"${"x".repeat(1_000_000)}"}`), "too-large"],
    "a byte that says encrypted": [recordOf("\u0002"), "malformed"],
  };
  for (const [what, [value, reason]] of Object.entries(unreadable)) {
    it(`is no session where it is ${what}, and is published`, async () => {
      const store = newStore();
      await redis().set(sessionKey(PREFIX, "sid"), value);
      const events = await collectEvents(channels.sessionChange, async () => {
        expect(await store.get("sid")).to.equal(null);
      });
      if (what !== "a byte that says encrypted") {
        expect(events).to.deep.equal([{ change: "unreadable", reason, sessions: 1 }]);
      } else expect(events).to.have.length(1);
    });
  }

  it("is no session where it is of another type, and is replaced by one", async () => {
    const store = newStore();
    const key = sessionKey(PREFIX, "sid");
    await redis().lpush(key, "of somebody's");
    const events = await collectEvents(channels.sessionChange, async () => {
      expect(await store.get("sid")).to.equal(null);
      await store.touch("sid", { cookie: { originalMaxAge: 1000 } });
    });
    expect(events.map(({ reason }) => reason)).to.deep.equal(["foreign", "foreign"]);
    await store.set("sid", { cookie: { originalMaxAge: 60_000 }, player: "ada" });
    expect(await store.get("sid")).to.include({ player: "ada" });
  });

  it("does not keep others from their sessions in the same turn", async () => {
    const store = newStore();
    await store.set("good", { cookie: { originalMaxAge: 60_000 }, player: "ada" });
    await redis().lpush(sessionKey(PREFIX, "list"), "of somebody's");
    await redis().set(sessionKey(PREFIX, "bytes"), "of somebody's");
    const found = await Promise.all(["list", "good", "bytes", "none"].map((sid) => store.get(sid)));
    expect(found.map((session) => session?.player)).to.deep.equal([undefined, "ada", undefined, undefined]);
  });

  it("is left out of what a handler stores where nobody could read it later", async () => {
    const store = newStore();
    const body = JSON.parse('{"__proto__":{"admin":true},"kept":1}') as object;
    await store.set("sid", { cookie: { originalMaxAge: null }, body } as never);
    expect(await store.get("sid")).to.deep.include({ body: { kept: 1 } });
  });

  it("is refused, as a mistake, where it is a cookie that no browser would take", async () => {
    const store = newStore();
    for (const attribute of [{ sameSite: "sideways" }, { path: "/;" }, { domain: "a b" }, { secure: 1 }]) {
      const cookie = { originalMaxAge: null, ...attribute };
      const failure: unknown = await store.set("sid", { cookie } as never).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("cookie.");
    }
    expect(await store.get("sid")).to.equal(null);
  });
});
