/** Work that lasts until its test says so, in place of a pause that a busy machine may outlast. */
export interface Gate {
  /** Fulfilled once somebody waits at the gate. */
  readonly reached: Promise<void>;
  /** Waits until the gate is open. */
  pass(): Promise<void>;
  open(): void;
}

export function createGate(): Gate {
  let reach = (): void => {};
  let open = (): void => {};
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  return {
    reached,
    pass() {
      reach();
      return opened;
    },
    open: () => open(),
  };
}
