import { expect } from "chai";
import { createRedis } from "express-redis-suite/redis";
import { StoreTimeoutError } from "express-redis-suite/stores/errors";
import { SessionListing } from "../../../../stores/session/redis/listing.ts";
import { onEachRedis } from "../../../contracts/redis-backends.ts";
import { countCommands } from "../../../support/command-counts.ts";
import { describeWithRedisServer, startRedisServer } from "../../../support/redis-server.ts";
import { redis } from "../../../support/shared-redis.ts";
import { idInShard, idOf, SessionsByHand } from "./sessions-by-hand.ts";

const EVERYWHERE = Array.from({ length: 300 }, (_, at) => idOf(`session ${at}`));
/** More than stand on a page. */
const IN_ONE_SHARD = Array.from({ length: 200 }, (_, at) => idInShard(7, `crowded ${at}`));

describe("the listing of sessions", () => {
  onEachRedis((_topology, client) => {
    let sessions: SessionsByHand;
    let listing: SessionListing;
    beforeEach(() => {
      sessions = new SessionsByHand(client());
      listing = new SessionListing(sessions.redis, sessions.keys, sessions.records);
    });
    const write = (ids: readonly string[]): Promise<unknown> =>
      Promise.all(ids.map((id, at) => sessions.write({ id, ttlMs: 60_000 + at, data: `{"at":${at}}` })));

    it("finds nothing where there is nothing", async () => {
      expect(await listing.length()).to.equal(0);
      expect(await listing.ids()).to.deep.equal([]);
      expect(await listing.all((id) => id)).to.deep.equal([]);
      await listing.clear(() => Promise.reject(new Error("nothing to end")));
    });

    it("finds every session of every shard, and counts them", async () => {
      await write([...EVERYWHERE, ...IN_ONE_SHARD]);
      expect(await listing.length()).to.equal(500);
      expect((await listing.ids()).toSorted()).to.deep.equal([...EVERYWHERE, ...IN_ONE_SHARD].toSorted());
    });

    it("finds more sessions than a page has that expire in the same millisecond", async () => {
      await write(IN_ONE_SHARD);
      const expiry = Date.now() + 60_000;
      const scores = IN_ONE_SHARD.flatMap((id, at) => [at < 20 ? expiry - 1 : expiry, id]);
      await sessions.client.zadd(sessions.keys.index(7), ...scores);
      expect((await listing.ids()).toSorted()).to.deep.equal(IN_ONE_SHARD.toSorted());
    });

    it("leaves out those that have expired", async () => {
      await write(EVERYWHERE);
      for (const id of EVERYWHERE.slice(0, 100)) {
        await sessions.client.zadd(sessions.keys.indexOf(id), Date.now() - 1, id);
      }
      expect(await listing.length()).to.equal(200);
      expect((await listing.ids()).toSorted()).to.deep.equal(EVERYWHERE.slice(100).toSorted());
    });

    it("reads all of them, and leaves out what is no session", async () => {
      await write(IN_ONE_SHARD);
      await sessions.client.set(sessions.keys.session(IN_ONE_SHARD[0] ?? ""), "corrupt");
      await sessions.client.del(sessions.keys.session(IN_ONE_SHARD[1] ?? ""));
      const all = await listing.all((id, { payload }) =>
        id === IN_ONE_SHARD[2] ? undefined : `${id} ${payload.toString().split("\n")[1]}`,
      );
      const expected = IN_ONE_SHARD.map((id, at) => `${id} {"at":${at}}`).slice(3);
      expect(all.toSorted()).to.deep.equal(expected.toSorted());
    });

    it("has one that is used meanwhile once", async () => {
      await write(IN_ONE_SHARD);
      let first: string | undefined;
      const all = await listing.all(async (id) => {
        if (first === undefined) {
          first = id;
          await sessions.client.zadd(sessions.keys.index(7), Date.now() + 90_000, id);
        }
        return id;
      });
      expect(all.toSorted()).to.deep.equal(IN_ONE_SHARD.toSorted());
    });

    it("ends all, a page at a time, and nothing else", async () => {
      await write([...EVERYWHERE, ...IN_ONE_SHARD]);
      await sessions.client.set("foreign", "1");
      const pages: number[] = [];
      await listing.clear((ids) => {
        pages.push(ids.length);
        return sessions.end(ids);
      });
      expect(await listing.length()).to.equal(0);
      expect(await sessions.alive([...EVERYWHERE, ...IN_ONE_SHARD])).to.deep.equal([]);
      expect(await sessions.client.get("foreign")).to.equal("1");
      expect(pages.reduce((sum, ended) => sum + ended)).to.equal(500);
      expect(pages.length).to.be.above(8);
    });
  });

  it("costs the same commands whatever else lies in the database, and no SCAN", async function () {
    this.timeout(60_000);
    const sessions = new SessionsByHand(redis());
    const listing = new SessionListing(sessions.redis, sessions.keys, sessions.records);
    await Promise.all(EVERYWHERE.slice(0, 50).map((id) => sessions.write({ id })));
    await listing.length();
    await listing.all((id) => id);
    const costs = async (): Promise<unknown> => ({
      length: Object.fromEntries(await countCommands(redis(), () => listing.length())),
      ids: Object.fromEntries(await countCommands(redis(), () => listing.ids())),
      all: Object.fromEntries(await countCommands(redis(), () => listing.all((id) => id))),
    });
    const before = await costs();
    expect(before).to.deep.equal({ length: { evalsha: 8 }, ids: { evalsha: 8 }, all: { evalsha: 16 } });
    await redis().eval("for at = 1, 200000 do redis.call('SET', 'sess:foreign:' .. at, '') end", 0);
    expect(await costs()).to.deep.equal(before);
    expect(await listing.length()).to.equal(50);
  });

  describeWithRedisServer("on a frozen server", () => {
    it("rejects within the deadline of one command", async () => {
      const server = await startRedisServer();
      const client = await createRedis(server.url, { commandTimeoutMs: 3000 });
      try {
        const sessions = new SessionsByHand(client, 100);
        const listing = new SessionListing(sessions.redis, sessions.keys, sessions.records);
        await listing.length();
        server.signal("SIGSTOP");
        const failure: unknown = await listing.ids().catch((error: unknown) => error);
        expect(failure).to.be.instanceOf(StoreTimeoutError);
      } finally {
        client.disconnect();
        await server.stop();
      }
    });
  });
});
