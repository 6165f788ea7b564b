import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import request from "supertest";
import { packedPackage, run } from "./packed-package.ts";
import { ROOT } from "./repository-files.ts";

const README = readFileSync(join(ROOT, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/** The only block of the README in that language. */
function blockOf(language: string): string {
  const blocks = [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))];
  expect(blocks, `blocks of ${language} in README.md`).to.have.length(1);
  return blocks[0]?.[1] ?? "";
}

/** What the README's install lines name, with npm's own words left out. */
function installed(): string[] {
  const lines = README.split("\n").filter((line) => line.startsWith("npm install "));
  const words = lines.flatMap((line) => line.replace(/#.*/, "").trim().split(/\s+/).slice(2));
  return words.filter((word) => !word.startsWith("-") && word !== "express-redis-suite");
}

describe("the README's service", function () {
  this.timeout(60_000);
  let consumer: string;

  before(async () => {
    const packed = await packedPackage();
    const packages = [...new Set([...Object.keys(manifest.dependencies), ...installed()])];
    consumer = await packed.consumer({ type: "module", packages });
    writeFileSync(join(consumer, "app.mjs"), blockOf("js"));
  });

  it("is installed with every peer that the package may use", () => {
    expect(installed()).to.include.members(Object.keys(manifest.peerDependencies));
  });

  it("compiles as TypeScript, with what the README adds for it", async () => {
    writeFileSync(join(consumer, "app.ts"), `${blockOf("js")}\n${blockOf("ts")}`);
    const options = ["--module", "nodenext", "--target", "es2023", "--strict", "--noEmit", "--types", "node"];
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const { output } = await run(process.execPath, [tsc, ...options, "app.ts"], consumer);
    expect(output).to.equal("");
  });

  it("answers, and ends when it is told to", async () => {
    const { REDIS_URL: _, SESSION_SECRET: __, NODE_OPTIONS: ___, ...inherited } = process.env;
    const service = spawn(process.execPath, ["app.mjs"], {
      cwd: consumer,
      env: { ...inherited, PORT: "0" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(service, "exit");
    try {
      await behavesAsTold(request.agent(`http://127.0.0.1:${await portOf(service)}`));
      service.kill("SIGTERM");
      expect(await ended).to.deep.equal([0, null]);
    } finally {
      service.kill("SIGKILL");
    }
  });
});

async function portOf({ stdout }: ChildProcess): Promise<number> {
  if (!stdout) throw new Error("the service's output is not read");
  for await (const line of createInterface({ input: stdout })) {
    const port = /^listening on .*port: (\d+)/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error("the service ended before it listened");
}

async function behavesAsTold(client: ReturnType<typeof request.agent>): Promise<void> {
  await client.get("/livez").expect(200);
  await client.get("/readyz").expect(200);

  const first = await client.get("/time").expect(200);
  expect(first.headers["ratelimit-policy"]).to.include("burst").and.to.include("hourly");
  await client.get("/time").expect(200, first.text).expect("Cache-Status", /hit/);

  await client.get("/visits").expect(200, { visits: 1 });
  await client.get("/visits").expect(200, { visits: 2 });

  const reports = await Promise.all([client.post("/reports/7"), client.post("/reports/7")]);
  expect(reports.map(({ status }) => status)).to.have.members([200, 409]);

  const metrics = await client.get("/metrics").expect(200);
  expect(metrics.text).to.include('route="/reports/:id"').and.to.include("rate_limit_decisions_total");
}
