import { expect } from "chai";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { startSentinelSetup, type SentinelSetup } from "../../support/sentinel.ts";
import { read, untilCoherent, untilCopied, useTieredStores } from "./tiered-stores.ts";

const LONG_MS = 60_000;

describeWithRedisServer("TieredCacheStore on a master behind Sentinels", () => {
  const stores = useTieredStores();
  let setup: SentinelSetup;
  before(async function () {
    this.timeout(60_000);
    setup = await startSentinelSetup();
  });
  after(() => setup.stop());

  it("uses no copy while there is no master, and hears of changes on the next one", async function () {
    this.timeout(60_000);
    const store = await stores.coherent(setup.url);
    await store.set("k", Buffer.from("old"), LONG_MS);
    await untilCopied(store, "k");
    setup.master.signal("SIGKILL");
    await eventually(() => expect(store.stats()).to.include({ coherent: false, entries: 0 }));
    await setup.failover();
    await eventually(() => store.set("k", Buffer.from("old"), LONG_MS), 30_000);
    await eventually(() => untilCoherent(store), 30_000);
    await untilCopied(store, "k");
    await stores.plain(setup.replica.port).set("app:{k}", "new");
    await eventually(async () => expect(await read(store, "k")).to.equal("new"));
  });
});
