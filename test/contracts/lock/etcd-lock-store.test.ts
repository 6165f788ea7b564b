import { EtcdLockStore } from "express-redis-suite/stores/lock/etcd";
import { useEtcd } from "../../support/etcd-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { describeLockStore } from "./lock-store.ts";

describe("lock stores in etcd", () => {
  const { client } = useEtcd();
  let stores = new Map<string, EtcdLockStore>();
  beforeEach(() => {
    stores = new Map();
  });

  // One for each prefix and peer, as each process has one: a store ends by itself what it has taken.
  const open = (prefix: string, peer = 0): EtcdLockStore => {
    const name = `${prefix} ${peer}`;
    const store =
      stores.get(name) ?? new EtcdLockStore({ client: client(peer), prefix, deadlineMs: PATIENT_MS });
    stores.set(name, store);
    return store;
  };
  describeLockStore("EtcdLockStore", open, ["fencing", "limits", "line"]);
});
