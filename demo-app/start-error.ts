/** Why the demo cannot start, in one line that says what to do about it; shown without a stack. */
export class StartError extends Error {
  override readonly name = "StartError";
}
