import { RedlockStore } from "express-redis-suite/stores/lock/redlock";
import { describeWithRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { useThreeMasters } from "../../support/three-masters.ts";
import { describeLockStore } from "./lock-store.ts";

describeWithRedisServer("a lock store over three masters", () => {
  const masters = useThreeMasters();
  describeLockStore(
    "RedlockStore",
    (prefix, peer) => new RedlockStore({ clients: masters.clients(peer), prefix, deadlineMs: PATIENT_MS }),
    ["clock"],
  );
});
