import { rateLimit } from "express-redis-suite/rate-limit";
import { channels } from "express-redis-suite/telemetry";
import { describeStoreFailure } from "./describe-store-failure.ts";
import { listenTo, storeOf } from "./store-of.ts";

const policies = [{ name: "few", algorithm: "fixed-window", limit: 10, windowMs: 60_000 }] as const;

describeStoreFailure("rateLimit", {
  listen: listenTo(channels.rateLimit),
  modes: (["deny", "allow"] as const).map((onStoreError) => ({
    name: onStoreError,
    handlerRuns: onStoreError === "allow",
    outcome: onStoreError === "deny" ? "store-error-denied" : "store-error-allowed",
    mount: (askStore) => rateLimit({ store: storeOf(askStore), policies, key: () => "k", onStoreError }),
  })),
});
