import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { expect } from "chai";
import { brokenLinks } from "./markdown-links.ts";
import { ROOT, writtenFiles } from "./repository-files.ts";
import { tracesIn } from "./traces.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const isText = (path: string): boolean => !/\.(?:png|jpg|ico|woff2?)$/.test(path);
const manifest = JSON.parse(read("package.json")) as {
  version: string;
  dependencies: Record<string, string>;
};

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe("the repository", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };

  it("keeps no address of a registry in its lock file", () => {
    expect(Object.keys(packages)).to.have.length.above(100);
    expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).to.deep.equal([]);
  });

  // npm leaves out what a registry does not have, and `npm ci` then refuses the file, on every platform.
  it("locks what each package needs on other platforms too", () => {
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    );
    expect(wanted).not.to.be.empty;
    expect(wanted.filter((name) => packages[`node_modules/${name}`]?.version === undefined)).to.deep.equal(
      [],
    );
  });

  it("names no registry, no folder of somebody's machine and no secret", () => {
    const found = writtenFiles()
      .filter(isText)
      .flatMap((path) => tracesIn(read(path)).map((trace) => `${path}: ${trace}`));
    expect(found).to.deep.equal([]);
  });

  it("argues every dependency that its users install", () => {
    const page = read("docs/dependencies.md");
    for (const name of Object.keys(manifest.dependencies)) {
      const line = page.split("\n").find((candidate) => candidate.includes(`\`${name}\``)) ?? "";
      expect(line, `${name} in docs/dependencies.md`).to.have.length.above(80);
    }
  });

  it("tells in its changelog what the current version brought", () => {
    const changelog = read("CHANGELOG.md");
    const heading = `## [${manifest.version}]`;
    expect(changelog).to.include("## [Unreleased]").and.to.include(heading);
    expect(changelog.slice(changelog.indexOf(heading)).split("\n## [")[0]).to.match(/^- /m);
  });

  it("lists every warning that it may emit, and no other, in docs/warnings.md", () => {
    const codesIn = (text: string): string[] => text.match(/\bERS_[A-Z_]+[A-Z]/g) ?? [];
    const sources = writtenFiles().filter((path) => /^(?:middleware|stores|telemetry)\/.*\.ts$/.test(path));
    const emitted = new Set(sources.flatMap((path) => codesIn(read(path))));
    const listed = [...read("docs/warnings.md").matchAll(/^\| `(ERS_\w+)` \|(?:[^|]{40,}\|){2}$/gm)];
    expect(emitted).not.to.be.empty;
    expect(listed.map(([, code]) => code)).to.have.members([...emitted]);
  });

  it("has documents whose links all lead somewhere", () => {
    const documents = writtenFiles().filter((path) => path.endsWith(".md"));
    expect(documents).to.include("README.md");
    const broken = documents.flatMap((path) =>
      brokenLinks(read(path), (target) => {
        const file = target === "" ? path : posix.join(dirname(path), target);
        if (!existsSync(join(ROOT, file))) return undefined;
        return statSync(join(ROOT, file)).isFile() && file.endsWith(".md") ? read(file) : "";
      }).map((link) => `${path}: ${link}`),
    );
    expect(broken).to.deep.equal([]);
  });
});

describe("tracesIn", () => {
  // Put together here, or the test above would find them in this file.
  const texts: Record<string, readonly string[]> = {
    "a registry": ["https://", "registry", ".example.org/a.tgz"],
    "a home folder": ["cd /", "home/somebody/project"],
    "root's folder": ['"/', 'root/.npmrc"'],
    "a work folder": ["(/", "work/main)"],
    "a folder of macOS": ["/", "Users/somebody"],
    "a private key": ["-----BEGIN RSA PRIVATE", " KEY-----"],
    "a token of npm": ["npm_", "a1".repeat(18)],
    "a line of .npmrc that logs in": ["//example.org/:_", "authToken=abc"],
  };
  for (const [name, parts] of Object.entries(texts)) {
    it(`finds ${name}`, () => expect(tracesIn(parts.join(""))).to.have.length(1));
  }

  it("finds nothing in addresses and relative paths", () => {
    expect(
      tracesIn("https://example.org/home/ ./work/a ../root/b src/home/c /usr/bin/env /tmp"),
    ).to.deep.equal([]);
  });
});

describe("brokenLinks", () => {
  const files: Record<string, string> = { "a.md": "# A `b` c!\n\n## A b c\n", "b.png": "" };
  const broken = (text: string): string[] => brokenLinks(text, (target) => files[target || "a.md"]);

  it("finds files and headings that are not there", () => {
    expect(broken("[x](c.md) ![y](d.png) [z](a.md#d) [w](#e)\n\n[v]: f.md")).to.have.members([
      "c.md",
      "d.png",
      "a.md#d",
      "#e",
      "f.md",
    ]);
  });

  it("is content with those that are, with addresses, and with what stands in code", () => {
    const text =
      '[x](a.md) ![y](b.png "title") [z](a.md#a-b-c-1) [w](#a-b-c) [v](https://example.org) [u](mailto:a@b.c)';
    expect(broken(`${text} \`[t](no.md)\`\n\n\`\`\`md\n[s](no.md)\n\`\`\`\n`)).to.deep.equal([]);
  });
});
