/** The first words of Redis's errors. The protocol leaves their set open; that of a label may not be. */
const REPLY_PREFIXES: ReadonlySet<string> = new Set(
  (
    "ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT ERR EXECABORT LOADING MASTERDOWN MISCONF MOVED NOAUTH NOGROUP " +
    "NOPERM NOREPLICAS NOSCRIPT NOTBUSY OOM READONLY TRYAGAIN UNBLOCKED UNKILLABLE WRONGPASS WRONGTYPE"
  ).split(" "),
);

/**
 * What kind of error this is, from a fixed set, for metrics, events and logs: the code of one of the suite's own errors
 * (`STORE_TIMEOUT`), the first word of an error that Redis replied (`NOPERM`), else `UNKNOWN`. Never the message, which
 * may repeat keys and values.
 */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "UNKNOWN";
  if ("code" in error && (error.code === "STORE_TIMEOUT" || error.code === "STORE_UNAVAILABLE"))
    return error.code;
  return replyPrefix(error) ?? "UNKNOWN";
}

/** The first word of an error that Redis replied; undefined for any other error. */
export function replyPrefix({ message }: Error): string | undefined {
  const [word = ""] = message.split(" ", 1);
  return REPLY_PREFIXES.has(word) ? word : undefined;
}
