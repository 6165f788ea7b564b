import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { requiresService } from "../support/requires-service.ts";

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

async function yamlOf<Document>(path: string): Promise<Document> {
  return parse(await readFile(path, "utf8"), { strict: true, uniqueKeys: true }) as Document;
}

describe("deploy/compose.yaml", () => {
  let compose: Compose;

  before(async () => {
    compose = await yamlOf("deploy/compose.yaml");
  });

  it("ties Redis, the demo, Prometheus and Grafana together", () => {
    expect(compose.services).to.have.all.keys("redis", "demo", "prometheus", "grafana");
    for (const [name, { depends_on = [] }] of Object.entries(compose.services)) {
      const needed = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      for (const service of needed) expect(compose.services, name).to.have.property(service);
    }
    expect(compose.services["demo"]?.depends_on).to.deep.equal({ redis: { condition: "service_healthy" } });
  });

  it("gives Redis a memory limit, an append-only file and a health check", () => {
    const { command = [], healthcheck } = compose.services["redis"] ?? {};
    const settings = new Map(
      command.flatMap((word, at) => (word.startsWith("--") ? [[word, command[at + 1]] as const] : [])),
    );
    expect(settings.get("--maxmemory")).to.match(/^\d+mb$/);
    expect(settings.get("--maxmemory-policy")).to.equal("volatile-lru");
    expect(settings.get("--appendonly")).to.equal("yes");
    expect(healthcheck?.test.join(" ")).to.include("redis-cli ping");
  });

  it("names a version of every image, and lets only this machine in", () => {
    for (const [name, { image, ports = [] }] of Object.entries(compose.services)) {
      if (image !== undefined) expect(image, name).to.match(/:v?\d+\.\d+/);
      for (const port of ports) expect(port, name).to.match(/^127\.0\.0\.1:\d+:\d+$/);
    }
    expect(compose.services["redis"]?.ports).to.equal(undefined);
  });

  it("mounts and builds only what is there", () => {
    for (const [name, { build, volumes = [] }] of Object.entries(compose.services)) {
      if (build) expect(existsSync(join("deploy", build.context, build.dockerfile)), name).to.equal(true);
      for (const volume of volumes) {
        const [source = "", , mode] = volume.split(":");
        if (!source.startsWith(".")) expect(compose.volumes).to.have.property(source);
        else {
          expect(existsSync(join("deploy", source)), volume).to.equal(true);
          expect(mode, volume).to.equal("ro");
        }
      }
    }
  });

  it("lets Prometheus scrape the demo where it listens", async () => {
    const { scrape_configs } = await yamlOf<{
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    }>("deploy/prometheus.yml");
    const port = compose.services["demo"]?.environment?.["PORT"];
    expect(scrape_configs.map(({ static_configs }) => static_configs[0]?.targets)).to.deep.equal([
      [`demo:${port}`],
    ]);
  });
});

describe("deploy/prometheus.yml", () => {
  requiresService("promtool");

  it("passes promtool", () => {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "config", "deploy/prometheus.yml"]);
    expect(status, `${stdout}${stderr}`).to.equal(0);
  });
});

describe("Grafana's provisioning", () => {
  it("finds the dashboards where compose mounts them", async () => {
    const { providers } = await yamlOf<{ providers: { type: string; options: { path: string } }[] }>(
      "grafana/provisioning/dashboards/express-redis-suite.yaml",
    );
    const { services } = await yamlOf<Compose>("deploy/compose.yaml");
    expect(services["grafana"]?.volumes).to.include(`../grafana/dashboards:${providers[0]?.options.path}:ro`);
    expect(services["grafana"]?.volumes).to.include("../grafana/provisioning:/etc/grafana/provisioning:ro");
  });

  it("names Prometheus by its service, with the scrape interval it has", async () => {
    const { datasources } = await yamlOf<{
      datasources: { type: string; url: string; isDefault: boolean; jsonData: { timeInterval: string } }[];
    }>("grafana/provisioning/datasources/prometheus.yaml");
    const { global } = await yamlOf<{ global: { scrape_interval: string } }>("deploy/prometheus.yml");
    expect(datasources).to.have.length(1);
    expect(datasources[0]).to.include({ type: "prometheus", url: "http://prometheus:9090", isDefault: true });
    expect(datasources[0]?.jsonData.timeInterval).to.equal(global.scrape_interval);
  });
});

describe("deploy/Dockerfile", () => {
  let lines: readonly string[];
  let copied: readonly string[];

  before(async () => {
    lines = (await readFile("deploy/Dockerfile", "utf8")).split("\n");
    copied = lines.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(" ") ?? []);
  });

  it("copies what is there, and runs the demo as nobody special", () => {
    expect(copied).to.include.members(["package.json", "package-lock.json", "demo-app"]);
    for (const path of copied) expect(existsSync(path), path).to.equal(true);
    expect(lines.filter((line) => line.startsWith("USER"))).to.deep.equal(["USER node"]);
    const start = lines.findLast((line) => line.startsWith("CMD")) ?? "";
    const [, script = ""] = /^CMD \["node", "dist\/(.+)\.js"\]$/.exec(start) ?? [];
    expect(existsSync(`${script}.ts`), start).to.equal(true);
  });

  it("gets into its context all that it copies, and nothing else of the folder", async () => {
    const [all, ...kept] = (await readFile("deploy/Dockerfile.dockerignore", "utf8")).trim().split("\n");
    expect(all).to.equal("*");
    expect(kept.map((line) => line.slice(1))).to.have.members([...copied]);
  });
});
