import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import { packageOf, violationsOf, type SourceFile } from "./house-rules.ts";
import { ROOT, writtenFiles } from "./repository-files.ts";
import { importsOf } from "./source-imports.ts";

const files: SourceFile[] = writtenFiles()
  .filter((path) => /\.(?:ts|mts|mjs)$/.test(path))
  .map((path) => ({ path, source: readFileSync(join(ROOT, path), "utf8") }));

describe("the house's rules", () => {
  it("hold in every source file", () => {
    expect(files.map(({ path }) => path)).to.include.members(["stores/index.ts", "telemetry/channels.ts"]);
    expect(files.flatMap(violationsOf)).to.deep.equal([]);
  });

  it("let the published rooms import declared packages and Node's own modules only", () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, object>;
    const declared = [
      ...Object.keys(manifest["dependencies"] ?? {}),
      ...Object.keys(manifest["peerDependencies"] ?? {}),
    ];
    const node = builtinModules.map((name) => `node:${name}`);
    const imported = files
      .filter(({ path }) => /^(?:middleware|stores|telemetry)\//.test(path))
      .flatMap(({ source }) => importsOf(source).map(({ specifier }) => packageOf(specifier)))
      .filter((name) => !name.startsWith("."));
    expect(new Set([...declared, ...node])).to.include.all.keys(...new Set(imported));
  });

  const forbidden: Record<string, SourceFile> = {
    "a middleware that imports a backend": fake(
      "middleware/rate-limit/a.ts",
      `import { B } from "../../stores/rate-limit/redis.ts";`,
    ),
    "a middleware that imports the type of a backend": fake(
      "middleware/session/a.ts",
      `import type { B } from "../../stores/session/redis.ts";`,
    ),
    "a middleware that imports the connection": fake(
      "middleware/session/a.ts",
      `import { c } from "../../stores/redis/index.ts";`,
    ),
    "a middleware that imports another one": fake(
      "middleware/session/a.ts",
      `import { c } from "../rate-limit/index.ts";`,
    ),
    "a middleware that imports all stores": fake(
      "middleware/session/a.ts",
      `export * from "../../stores/index.ts";`,
    ),
    "a middleware that imports ioredis": fake(
      "middleware/redis-metrics/a.ts",
      `import { Redis } from "ioredis";`,
    ),
    "a middleware that imports prom-client": fake(
      "middleware/rate-limit/a.ts",
      `import type { Counter } from "prom-client";`,
    ),
    "a middleware that imports the package by name": fake(
      "middleware/rate-limit/a.ts",
      `import { a } from "express-redis-suite/redis";`,
    ),
    "a store that imports express's types": fake(
      "stores/cache/redis.ts",
      `import type { Request } from "express";`,
    ),
    "a store that imports a middleware": fake(
      "stores/cache/redis.ts",
      `import { a } from "../../middleware/response/problem.ts";`,
    ),
    "a store that imports ioredis at run time": fake(
      "stores/cache/redis.ts",
      `import { type Redis } from "ioredis";`,
    ),
    "a store that imports ioredis late": fake(
      "stores/cache/redis.ts",
      `const { Redis } = await import("ioredis");`,
    ),
    "a store that imports a backend of another kind": fake(
      "stores/cache/redis.ts",
      `import { a } from "../lock/redis.ts";`,
    ),
    "a contract that imports a backend": fake(
      "stores/cache/contract.ts",
      `import type { A } from "./redis.ts";`,
    ),
    "a lock manager that imports a backend": fake(
      "stores/lock/lock-manager.ts",
      `import { A } from "./redis.ts";`,
    ),
    "sessions outside their rooms": fake(
      "middleware/route-lock/a.ts",
      `import type { Session } from "express-session";`,
    ),
    "connect-redis outside its room": fake("demo-app/main.ts", `import { RedisStore } from "connect-redis";`),
    "mysql2 outside its room": fake("stores/lock/redis.ts", `import type { Pool } from "mysql2/promise";`),
    "etcd3 outside its room": fake("stores/lock/redis.ts", `import type { Etcd3 } from "etcd3";`),
    "telemetry that imports a store": fake("telemetry/a.ts", `import { A } from "../stores/errors.ts";`),
    "a demo that reaches into the stores": fake(
      "demo-app/routes/a.ts",
      `import { A } from "../../stores/errors.ts";`,
    ),
    "a drawer": fake("stores/redis/utils.ts", ""),
    "a drawer by its second name": fake("demo-app/date-helpers/a.ts", ""),
    "a name in camel case": fake("stores/redis/slowLog.ts", ""),
    "a file of 251 lines": fake("stores/redis/a.ts", "x;\n".repeat(251)),
    "a default export": fake("stores/redis/a.ts", "export default class A {}"),
    "a default export by renaming": fake("stores/redis/a.ts", "export { a as default };"),
    "any as a parameter": fake("stores/redis/a.ts", "function f(a: any) {}"),
    "any as a type argument": fake("stores/redis/a.ts", "const a = new Map<string, any>();"),
  };
  for (const [name, file] of Object.entries(forbidden)) {
    it(`forbid ${name}`, () => expect(violationsOf(file)).to.have.length(1));
  }

  const permitted: Record<string, SourceFile> = {
    "a middleware its contract": fake(
      "middleware/rate-limit/a.ts",
      `import type { A } from "../../stores/rate-limit/contract.ts";`,
    ),
    "a middleware the lock manager": fake(
      "middleware/route-lock/a.ts",
      `import { A } from "../../stores/lock/lock-manager.ts";`,
    ),
    "a middleware the problem documents": fake(
      "middleware/route-lock/a.ts",
      `import { A } from "../response/problem.ts";`,
    ),
    "the locks in etcd their client": fake("stores/lock/etcd/a.ts", `import type { Etcd3 } from "etcd3";`),
    "a store the types of ioredis": fake("stores/cache/redis.ts", `import type { Redis } from "ioredis";`),
    "250 lines": fake("stores/redis/a.ts", "x;\n".repeat(250)),
    "the word any in a comment, a string and as a method": fake(
      "stores/redis/a.ts",
      `/* any */ f("any", Promise.any([])); // any`,
    ),
  };
  for (const [name, file] of Object.entries(permitted)) {
    it(`permit ${name}`, () => expect(violationsOf(file)).to.deep.equal([]));
  }
});

describe("importsOf", () => {
  const seen = (source: string): string[] =>
    importsOf(source).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier));

  it("finds every form of import and re-export", () => {
    const source = `
      import "a";
      import b from 'b';
      import * as c from "c";
      import d, { type D } from "d";
      import {
        e,
        type E,
      } from "e";
      import f from "f" with { type: "json" };
      export * from "g";
      export * as h from "h";
      export { i } from "i";
      const j = await import("j");
      const k = require('k');
      import.meta.resolve("l");
    `;
    expect(seen(source)).to.have.members("abcdefghijkl".split(""));
  });

  it("tells imports that leave nothing at run time from those that do", () => {
    const source = `
      import type { A } from "a";
      import type * as B from "b";
      export type { C } from "c";
      export type * from "d";
      import { type E } from "e";
      import type from "f";
      import type, { G } from "g";
    `;
    expect(seen(source)).to.have.members(["type a", "type b", "type c", "type d", "e", "f", "g"]);
  });

  it("sees none in comments, strings and other statements", () => {
    const source = `
      /** @example import { a } from "a"; */
      // import "b";
      const glob = "test/**/*.ts", text = \`import "c"\`, other = 'import("d")';
      export type From = "e";
      export const from = "f";
      export default "g";
      important("h");
      this.import("i");
      import.meta.url;
    `;
    expect(seen(source)).to.deep.equal([]);
  });
});

function fake(path: string, source: string): SourceFile {
  return { path, source };
}
