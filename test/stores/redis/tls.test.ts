import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { Redis } from "ioredis";
import { close, createRedis, type CreateRedisOptions, type RedisClient } from "express-redis-suite/redis";
import { RedisConnectError } from "express-redis-suite/stores/errors";
import { createSubscriber } from "../../../stores/redis/subscriber.ts";
import { countWrites } from "../../support/count-writes.ts";
import { eventually } from "../../support/eventually.ts";
import {
  describeWhere,
  freePort,
  startProcess,
  startRedisServer,
  type RedisServer,
} from "../../support/redis-server.ts";

const speaksTls = String(spawnSync("redis-cli", ["--help"]).stdout).includes("--tls");
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
const obstacle =
  speaksTls && hasOpenssl ? undefined : "there is no redis-server with TLS, or no openssl, on PATH";

describeWhere(obstacle, "createRedis with TLS", () => {
  let folder: string;
  let settings: Record<string, string>;
  let ca: string;
  let server: RedisServer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "redis-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const request = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "1",
    ];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
    const made = spawnSync("openssl", [...request, ...subject, "-keyout", key, "-out", cert]);
    expect(made.status, String(made.stderr)).to.equal(0);
    ca = await readFile(cert, "utf8");
    settings = {
      "tls-cert-file": cert,
      "tls-key-file": key,
      "tls-ca-cert-file": cert,
      "tls-auth-clients": "no",
    };
    server = await startRedisServer({
      ...settings,
      "tls-port": String(await freePort()),
      requirepass: "over-tls-only",
    });
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  async function withClient(
    url: string,
    options: CreateRedisOptions,
    use: (client: RedisClient) => Promise<void>,
  ): Promise<void> {
    const client = await createRedis(url, options);
    try {
      await use(client);
    } finally {
      await close(client);
    }
  }

  const expectPong = async (client: RedisClient): Promise<void> => {
    expect(await client.ping()).to.equal("PONG");
  };

  it("connects to a rediss URL whose certificate is trusted", async () => {
    await withClient(`rediss://:over-tls-only@127.0.0.1:${server.port}`, { tls: { ca } }, expectPong);
    await withClient(`rediss://:over-tls-only@localhost:${server.port}`, { tls: { ca } }, expectPong);
  });

  it("turns TLS on for a redis URL that comes with TLS settings", async () => {
    await withClient(`redis://:over-tls-only@127.0.0.1:${server.port}`, { tls: { ca } }, expectPong);
  });

  it("writes once for all that it is asked in one turn, through TLS too", async () => {
    const url = `rediss://:over-tls-only@127.0.0.1:${server.port}`;
    await withClient(url, { tls: { ca } }, async (client) => {
      const writes = countWrites(client as Redis);
      await Promise.all(["a", "b", "c"].map((key) => client.set(key, "v")));
      expect(writes()).to.equal(1);
    });
  });

  it("listens to messages through TLS too", async () => {
    const url = `rediss://:over-tls-only@127.0.0.1:${server.port}`;
    await withClient(url, { tls: { ca } }, async (client) => {
      const subscriber = createSubscriber(client as Redis);
      try {
        await subscriber.connect();
        await subscriber.subscribe("news");
        const [[, message]] = await Promise.all([once(subscriber, "message"), client.publish("news", "v")]);
        expect(message).to.equal("v");
      } finally {
        await close(subscriber);
      }
    });
  });

  it("refuses a certificate that nobody vouches for", async () => {
    const url = `rediss://:over-tls-only@127.0.0.1:${server.port}`;
    const failure: unknown = await createRedis(url, { connectTimeoutMs: 500 }).catch(
      (error: unknown) => error,
    );
    expect(failure)
      .to.be.instanceOf(RedisConnectError)
      .with.property("message")
      .that.matches(/self.signed certificate/);
  });

  it("gives up in the middle of a handshake, and nothing is thrown afterwards", async () => {
    // Answers, all at once, when the client has hung up: too late, and yet read.
    const slow = createServer({ allowHalfOpen: true }, (socket) => {
      const upstream = connect(server.port, "127.0.0.1");
      const answers: Buffer[] = [];
      socket.pipe(upstream).on("error", () => socket.destroy());
      upstream.on("data", (answer) => answers.push(answer));
      upstream.on("end", () => socket.end(Buffer.concat(answers)));
      socket.on("error", () => upstream.destroy());
    });
    await once(slow.listen(0, "127.0.0.1"), "listening");
    const { port } = slow.address() as AddressInfo;
    const attempts = Array.from({ length: 10 }, () =>
      createRedis(`rediss://127.0.0.1:${port}`, { connectTimeoutMs: 30 }).catch((error: unknown) => error),
    );
    for (const failure of await Promise.all(attempts)) expect(failure).to.be.instanceOf(RedisConnectError);
    // An error that nobody listens for would end this process; mocha makes it the failure of this test.
    await pause(200);
    slow.close();
  });

  it("does not fall back to TLS, or from it, by itself", async () => {
    const url = `redis://:over-tls-only@127.0.0.1:${server.port}`;
    const failure: unknown = await createRedis(url, { connectTimeoutMs: 300 }).catch(
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(RedisConnectError);
  });

  it("says that a server does not speak TLS, and that one does", async () => {
    const plain = await startRedisServer({ requirepass: "secret" });
    for (const [url, options, advice] of [
      [`rediss://127.0.0.1:${plain.port}`, {}, "does not speak TLS; use redis://"],
      [`redis://127.0.0.1:${plain.port}`, { tls: {} }, 'use redis:// and no "tls"'],
      [`rediss+cluster://127.0.0.1:${plain.port}`, {}, "does not speak TLS"],
      [`redis://127.0.0.1:${server.port}`, {}, "the server speaks TLS; use rediss://"],
    ] as const) {
      const failure: unknown = await createRedis(url, { connectTimeoutMs: 200, ...options }).catch(
        (error: unknown) => error,
      );
      expect(String(failure)).to.include(`no Redis at 127.0.0.1:`).and.include(advice);
    }
    await plain.stop();
  });

  it("speaks TLS to the sentinels and to the master behind them", async () => {
    const master = await startRedisServer({ ...settings, "tls-port": String(await freePort()) });
    const port = await freePort();
    const home = await mkdtemp(join(tmpdir(), "redis-test-"));
    const lines = [
      "port 0",
      `tls-port ${port}`,
      "bind 127.0.0.1",
      "tls-replication yes",
      `dir ${home}`,
      ...Object.entries(settings).map(([name, value]) => `${name} ${value}`),
      `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
    ];
    await writeFile(join(home, "sentinel.conf"), `${lines.join("\n")}\n`);
    const sentinel = await startProcess("redis-sentinel", [join(home, "sentinel.conf")], {
      folder: home,
      port,
    });
    await withClient(`rediss+sentinel://127.0.0.1:${port}/mymaster`, { tls: { ca } }, async (client) => {
      await expectPong(client);
      await eventually(async () => expect(await client.role()).to.include("master"));
    });
    await sentinel.stop();
    await master.stop();
  });
});
