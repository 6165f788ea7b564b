/** Why a stored value is no session; what `sessionChange` says. */
export type UnreadableReason =
  | "malformed"
  | "too-large"
  /** Encrypted by a key that is not, or no longer, among `values.keys`. */
  | "unknown-key"
  /** Altered, or taken from another session. */
  | "not-authentic"
  /** Found where every value is encrypted. */
  | "not-encrypted";

/** A stored value that cannot be read, now or ever: the session is then as one that is missing. */
export class UnreadableValueError extends Error {
  override readonly name = "UnreadableValueError";
  readonly reason: UnreadableReason;

  constructor(reason: UnreadableReason, options?: ErrorOptions) {
    super(`the stored session is ${reason}`, options);
    this.reason = reason;
  }
}
