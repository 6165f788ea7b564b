import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { registerScriptName } from "../../telemetry/script-names.ts";

/** What a script needs of a client; `Redis` and `Cluster` both have it. */
export type ScriptClient = Pick<Redis, "eval" | "evalsha">;

/** Every command of ioredis takes lists, and has a twin that returns bytes; its types know neither for a Cluster. */
type Commands = Record<
  "eval" | "evalBuffer" | "evalsha" | "evalshaBuffer",
  (text: string, keyCount: number, rest: readonly (string | number | Buffer)[]) => Promise<unknown>
>;

export interface RedisScript<Args extends readonly (string | number | Buffer)[], Reply> {
  readonly name: string;
  /** Runs the script in one round trip, or two where the server does not know it yet. */
  run(client: ScriptClient, keys: readonly string[], args: Args): Promise<Reply>;
}

/**
 * Declares a Lua script that runs by its SHA-1. Only `NOSCRIPT` makes it send the text; every other error is the
 * caller's, since the script may have run. The user's client is left as it is (no `defineCommand`).
 *
 * @param name what metrics and traces show instead of the SHA-1, `<room>.<verb>`
 * @param keyCount how many keys the script takes, or `any`; all of them must be passed in KEYS, for Cluster
 * @param reply `bytes` for a script whose one string is not text: it then arrives as a Buffer
 */
export function defineScript<Args extends readonly (string | number | Buffer)[], Reply>(
  name: string,
  keyCount: number | "any",
  lua: string,
  reply: "plain" | "bytes" = "plain",
): RedisScript<Args, Reply> {
  const sha = createHash("sha1").update(lua).digest("hex");
  registerScriptName(sha, name);
  return {
    name,
    async run(client, keys, args) {
      if (keyCount !== "any" && keys.length !== keyCount) {
        throw new TypeError(`script ${name} takes ${keyCount} keys, not ${keys.length}`);
      }
      const [bySha, byText] =
        reply === "bytes" ? (["evalshaBuffer", "evalBuffer"] as const) : (["evalsha", "eval"] as const);
      // One array, which ioredis flattens, since a large batch has more arguments than a call may have. The commands by
      // their names, because `call` with an array breaks a client that autopipelines.
      const rest = [...keys, ...args];
      const commands = client as unknown as Commands;
      try {
        return (await commands[bySha](sha, keys.length, rest)) as Reply;
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return (await commands[byText](lua, keys.length, rest)) as Reply;
      }
    },
  };
}
