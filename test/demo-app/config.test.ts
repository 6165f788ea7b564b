import { expect } from "chai";
import { readConfig } from "../../demo-app/config.ts";
import { StartError } from "../../demo-app/start-error.ts";

describe("the demo's configuration", () => {
  it("needs no variable at all", () => {
    const { sessionSecret, ...rest } = readConfig({});
    expect(rest).to.deep.equal({
      port: undefined,
      host: "127.0.0.1",
      redisUrl: undefined,
      engine: "auto",
      logLevel: "warn",
      storeDeadlineMs: 150,
    });
    expect(sessionSecret).to.have.length.of.at.least(32);
  });

  it("makes another session secret at each start", () => {
    expect(readConfig({}).sessionSecret).to.not.equal(readConfig({}).sessionSecret);
  });

  it("takes every variable", () => {
    const config = readConfig({
      PORT: "8080",
      HOST: "0.0.0.0",
      REDIS_URL: "redis://redis:6379/2",
      EMBEDDED_REDIS: "wasm",
      SESSION_SECRET: "sixteen letters!",
      LOG_LEVEL: "debug",
      STORE_DEADLINE_MS: "300",
    });
    expect(config).to.deep.equal({
      port: 8080,
      host: "0.0.0.0",
      redisUrl: "redis://redis:6379/2",
      engine: "wasm",
      sessionSecret: "sixteen letters!",
      logLevel: "debug",
      storeDeadlineMs: 300,
    });
  });

  it("takes an empty variable for one that is not set", () => {
    const { sessionSecret, ...rest } = readConfig({ PORT: "", HOST: "", REDIS_URL: "", EMBEDDED_REDIS: "" });
    expect(rest).to.deep.include({ port: undefined, host: "127.0.0.1", redisUrl: undefined, engine: "auto" });
    expect(sessionSecret).to.not.equal("");
  });

  const faults: readonly [name: string, value: string][] = [
    ["PORT", "http"],
    ["PORT", "-1"],
    ["PORT", "65536"],
    ["PORT", "80.5"],
    ["PORT", "0x50"],
    ["REDIS_URL", "localhost:6379"],
    ["REDIS_URL", "http://localhost"],
    ["EMBEDDED_REDIS", "docker"],
    ["SESSION_SECRET", "short"],
    ["LOG_LEVEL", "loud"],
    ["STORE_DEADLINE_MS", "0"],
    ["STORE_DEADLINE_MS", "1e3"],
  ];
  for (const [name, value] of faults) {
    it(`refuses ${name}=${value}, naming the variable`, () => {
      expect(() => readConfig({ [name]: value })).to.throw(StartError, name);
    });
  }

  it("repeats neither a password in REDIS_URL nor a secret", () => {
    for (const env of [{ REDIS_URL: "http://:opensesame@localhost" }, { SESSION_SECRET: "opensesame" }]) {
      expect(() => readConfig(env))
        .to.throw(StartError)
        .with.property("message")
        .that.does.not.include("opensesame");
    }
  });
});
