import { expect } from "chai";
import {
  SessionLimitError,
  StoreTimeoutError,
  StoreUnavailableError,
} from "express-redis-suite/stores/errors";
import { RedisAccess } from "../../../../stores/redis/access.ts";
import { Adoption, type AdoptionOptions } from "../../../../stores/session/redis/adoption.ts";
import { hashedId } from "../../../../stores/session/redis/session-ids.ts";
import { PATIENT_MS, redis } from "../../../support/shared-redis.ts";

const SID = "sid-of-ada";
const OLD = `sess:${SID}`;
const VALUE = '{"cookie":{"originalMaxAge":null},"userId":"ada"}';
const ONE_DAY_MS = 24 * 60 * 60 * 1000;

describe("Adoption", () => {
  let changes: string[];
  let ended: string[];
  beforeEach(() => {
    changes = [];
    ended = [];
  });

  function adoption(add: AdoptionOptions["add"]): Adoption {
    return new Adoption(
      new RedisAccess("session", { client: redis(), prefix: "new", deadlineMs: PATIENT_MS }),
      {
        prefix: "sess:",
        maxBytes: 1000,
        add,
        end: async (storedId) => ended.push(storedId),
        userOf: (text) => (text.includes('"userId":"ada"') ? "hash of ada" : undefined),
        onChange: (change) => changes.push(change),
      },
    );
  }
  const move = (add: AdoptionOptions["add"]): Promise<boolean> => adoption(add).move(SID, hashedId(SID));
  function failing(error: Error): AdoptionOptions["add"] {
    return async () => {
      throw error;
    };
  }

  it("gives what it stores in the form of the store, and takes the old value away", async () => {
    await redis().set(OLD, VALUE);
    const texts: string[] = [];
    expect(await move(async (_id, text) => texts.push(text) > 0)).to.equal(true);
    expect(texts).to.deep.equal(['{"originalMaxAge":null}\n{"userId":"ada"}']);
    expect(await redis().exists(OLD)).to.equal(0);
    expect(changes).to.deep.equal(["adopted"]);
  });

  it("tells a request that finds none to look again: another one may have moved it since", async () => {
    expect(await move(() => Promise.reject(new Error("there is nothing to add")))).to.equal(true);
    expect(changes).to.deep.equal([]);
  });

  it("says nothing of having moved what another request has stored", async () => {
    await redis().set(OLD, VALUE);
    expect(await move(async () => false)).to.equal(true);
    expect(await redis().exists(OLD)).to.equal(0);
    expect(changes).to.deep.equal([]);
  });

  it("leaves an old value half a minute while it is stored, so that it goes even if nobody takes it away", async () => {
    await redis().set(OLD, VALUE, "PX", ONE_DAY_MS);
    let left = Infinity;
    await move(async () => {
      left = await redis().pttl(OLD);
      return true;
    });
    expect(left).to.be.within(1, 30_000);
  });

  it("leaves it that time alone where it may have been stored", async () => {
    await redis().set(OLD, VALUE);
    const failure: unknown = await move(failing(new StoreTimeoutError("late"))).catch(
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(StoreTimeoutError);
    expect(await redis().pttl(OLD)).to.be.within(1, 30_000);
  });

  it("gives it back its time where nothing was stored", async () => {
    await redis().set(OLD, VALUE, "PX", ONE_DAY_MS);
    const failure: unknown = await move(failing(new StoreUnavailableError("full"))).catch(
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(StoreUnavailableError);
    expect(await redis().pttl(OLD)).to.be.within(ONE_DAY_MS - 60_000, ONE_DAY_MS);
    await redis().set(OLD, VALUE);
    expect(await move(failing(new SessionLimitError("enough")))).to.equal(false);
    expect(await redis().pttl(OLD)).to.equal(-1);
    await redis().set(OLD, VALUE, "PX", 20_000);
    expect(await move(failing(new SessionLimitError("enough")))).to.equal(false);
    expect(await redis().pttl(OLD)).to.be.within(1, 20_000);
  });

  it("does not store what its user, or everybody, was logged out of", async () => {
    for (const user of ["hash of ada", undefined]) {
      await redis().flushall();
      await redis().set(OLD, VALUE);
      await adoption(async () => true).refuse(user);
      expect(await move(() => Promise.reject(new Error("it was stored")))).to.equal(false);
    }
    await redis().flushall();
    await redis().set(OLD, VALUE);
    await adoption(async () => true).refuse("hash of bob");
    expect(await move(async () => true)).to.equal(true);
  });

  it("ends what was being stored while its user was logged out everywhere", async () => {
    await redis().set(OLD, VALUE);
    const moved = await move(async () => {
      await adoption(async () => true).refuse("hash of ada");
      return true;
    });
    expect(moved).to.equal(false);
    expect(ended).to.deep.equal([hashedId(SID).storedId]);
    expect(changes).to.deep.equal([]);
  });
});
