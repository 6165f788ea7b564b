import { expect } from "chai";
import { Redis } from "ioredis";
import type { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { eventually } from "../../support/eventually.ts";
import {
  describeWithRedisServer,
  freePort,
  startRedisServer,
  type RedisServer,
} from "../../support/redis-server.ts";
import { read, untilCoherent, untilCopied, useTieredStores } from "./tiered-stores.ts";

const LONG_MS = 60_000;
const text = (value: string): Buffer => Buffer.from(value);

describeWithRedisServer("TieredCacheStore in trouble", () => {
  const stores = useTieredStores();
  let server: RedisServer;
  let foreign: Redis;
  beforeEach(async () => {
    server = await startRedisServer();
    foreign = stores.plain(server.port);
  });
  afterEach(() => server.stop());

  /** A store that has a copy of k, `old`. */
  async function storeWithCopy(): Promise<TieredCacheStore> {
    const store = await stores.coherent(server.url);
    await store.set("k", text("old"), LONG_MS);
    await untilCopied(store, "k");
    return store;
  }

  it("forgets its copies when its connection is killed, and hears of changes again", async () => {
    const store = await storeWithCopy();
    for (const round of ["1", "2", "3"]) {
      await untilCoherent(store);
      await untilCopied(store, "k");
      // In one: the store hears of the end of its connection alone.
      const kill = ["call", "CLIENT", "KILL", "TYPE", "pubsub"];
      await foreign.multi([kill, ["set", "app:{k}", round]]).exec();
      await eventually(async () => expect(await read(store, "k")).to.equal(round));
    }
    await untilCoherent(store);
    await untilCopied(store, "k");
    await foreign.set("app:{k}", "new");
    await eventually(async () => expect(await read(store, "k")).to.equal("new"));
  });

  it("uses no copy while Redis is away, and hears of changes again when it is back", async () => {
    const store = await storeWithCopy();
    await server.stop();
    await eventually(() => expect(store.stats()).to.include({ coherent: false, entries: 0 }));
    await eventually(() =>
      store.get("k").then(
        () => expect.fail("it answered"),
        () => {},
      ),
    );
    server = await startRedisServer({ port: String(server.port) });
    await untilCoherent(store);
    await eventually(() => store.set("k", text("old"), LONG_MS));
    await untilCopied(store, "k");
    await eventually(() => foreign.set("app:{k}", "new"));
    await eventually(async () => expect(await read(store, "k")).to.equal("new"));
  });

  it("notices a Redis that has gone silent, and trusts it again when it speaks", async () => {
    const store = await storeWithCopy();
    server.signal("SIGSTOP");
    await eventually(() => expect(store.stats()).to.include({ coherent: false, entries: 0 }));
    server.signal("SIGCONT");
    await untilCoherent(store);
    await eventually(() => untilCopied(store, "k"));
  });

  it("begins when Redis does", async () => {
    const port = await freePort();
    const store = await stores.open(`redis://127.0.0.1:${port}`, { waitForConnection: false });
    expect(store.stats()).to.include({ mode: "none", coherent: false });
    const late = await startRedisServer({ port: String(port) });
    try {
      await untilCoherent(store);
      expect(store.stats().mode).to.equal("tracking");
    } finally {
      await late.stop();
    }
  });

  describe("where it may not track", () => {
    const users: Record<string, string> = {
      "the command is refused": "+@all -client|tracking &*",
      "no CLIENT command is allowed": "+@all -client &*",
      "the channel of Redis is refused": "+@all resetchannels &app:changed",
    };
    for (const [name, rules] of Object.entries(users)) {
      it(`hears of the writes of other stores on a bus: ${name}`, async () => {
        await foreign.call("ACL", "SETUSER", "app", "on", ">pw", "~*", ...rules.split(" "));
        const url = `redis://app:pw@127.0.0.1:${server.port}`;
        const [store, other] = [await stores.coherent(url), await stores.coherent(url)];
        expect(store.stats()).to.include({ mode: "bus", coherent: true });
        await other.set("k", text("old"), LONG_MS);
        const [stamp] = await other.stamp(["t"]);
        const hearsOf = async (write: () => Promise<unknown>, then: string | undefined): Promise<void> => {
          await untilCopied(store, "k");
          await write();
          await eventually(async () => expect(await read(store, "k")).to.equal(then));
        };
        await hearsOf(() => other.set("k", text("new"), LONG_MS), "new");
        await hearsOf(() => other.delete("k"), undefined);
        const { token = "" } = await other.lead("k", LONG_MS);
        expect(await other.fill("k", { token, value: text("made"), ttlMs: LONG_MS })).to.equal(true);
        await hearsOf(() => other.expire("k", 1), undefined);
        expect(await store.read([], ["t"])).to.deep.equal({ values: [], stamps: [stamp] });
        await other.purgeTags(["t"]);
        await eventually(async () => expect((await store.read([], ["t"])).stamps).to.deep.equal([undefined]));
      });
    }

    it("hears of them on clients with a keyPrefix of their own too", async () => {
      await foreign.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "-client|tracking", "&*");
      const login = { port: server.port, username: "app", password: "pw", keyPrefix: "mine:" };
      const opened = [new Redis(login), new Redis(login)].map((client) => stores.coherent("", { client }));
      const [store, other] = (await Promise.all(opened)) as [TieredCacheStore, TieredCacheStore];
      expect(store.stats().mode).to.equal("bus");
      await other.set("k", text("old"), LONG_MS);
      await untilCopied(store, "k");
      await other.set("k", text("new"), LONG_MS);
      await eventually(async () => expect(await read(store, "k")).to.equal("new"));
    });

    it("uses no copy where it may not hear of anything, and works", async () => {
      await foreign.call(
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">pw",
        "~*",
        "+@all",
        "-client|tracking",
        "resetchannels",
      );
      const store = await stores.open(`redis://app:pw@127.0.0.1:${server.port}`);
      await eventually(async () => {
        const connections = String(await foreign.client("LIST")).split("\n");
        expect(connections.filter((line) => /user=app/.test(line))).to.have.length(2);
      });
      await store.set("k", text("v"), LONG_MS);
      expect([await read(store, "k"), await read(store, "k")]).to.deep.equal(["v", "v"]);
      expect(store.stats()).to.deep.include({ mode: "none", coherent: false, hits: { l1: 0, l2: 2 } });
    });
  });
});
