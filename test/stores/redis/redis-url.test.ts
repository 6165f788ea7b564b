import { expect } from "chai";
import fc from "fast-check";
import { parseRedisUrl, type RedisAddress } from "express-redis-suite/redis";

const STANDALONE = { topology: "standalone", tls: false, db: 0 } as const;
const CLUSTER = { topology: "cluster", tls: false, db: 0 } as const;
const SENTINEL = { topology: "sentinel", tls: false, db: 0, masterName: "mymaster" } as const;
const [A, B] = [
  { host: "a", port: 1 },
  { host: "b", port: 2 },
];

const READ: Record<string, RedisAddress> = {
  "redis://localhost": { ...STANDALONE, hosts: [{ host: "localhost", port: 6379 }] },
  "redis://127.0.0.1:7000/": { ...STANDALONE, hosts: [{ host: "127.0.0.1", port: 7000 }] },
  "redis://a:1/15": { ...STANDALONE, hosts: [A], db: 15 },
  "rediss://a:1": { ...STANDALONE, tls: true, hosts: [A] },
  "redis://[::1]": { ...STANDALONE, hosts: [{ host: "::1", port: 6379 }] },
  "redis://[fe80::1]:1/2": { ...STANDALONE, hosts: [{ host: "fe80::1", port: 1 }], db: 2 },
  "redis://secret@a:1": { ...STANDALONE, hosts: [A], password: "secret" },
  "redis://:secret@a:1": { ...STANDALONE, hosts: [A], password: "secret" },
  "redis://user:secret@a:1": { ...STANDALONE, hosts: [A], username: "user", password: "secret" },
  "redis://user:a:b@a:1": { ...STANDALONE, hosts: [A], username: "user", password: "a:b" },
  "redis://u%40x:p%2F%3A%40%23%25@a:1": { ...STANDALONE, hosts: [A], username: "u@x", password: "p/:@#%" },
  "redis://:p%C3%A4ss@a:1": { ...STANDALONE, hosts: [A], password: "päss" },
  "redis+cluster://a:1": { ...CLUSTER, hosts: [A] },
  "redis+cluster://a:1,b:2": { ...CLUSTER, hosts: [A, B] },
  "redis+cluster://a:1,[::1],c/0": {
    ...CLUSTER,
    hosts: [A, { host: "::1", port: 6379 }, { host: "c", port: 6379 }],
  },
  "rediss+cluster://u:p@a:1,b:2": { ...CLUSTER, tls: true, hosts: [A, B], username: "u", password: "p" },
  "redis+sentinel://a:1/mymaster": { ...SENTINEL, hosts: [A] },
  "redis+sentinel://a,b:2/mymaster/3": { ...SENTINEL, hosts: [{ host: "a", port: 26_379 }, B], db: 3 },
  "rediss+sentinel://u:p@a:1/my%20master": {
    ...SENTINEL,
    tls: true,
    hosts: [A],
    username: "u",
    password: "p",
    masterName: "my master",
  },
};

const REFUSED: Record<string, RegExp> = {
  "": /scheme "none"/,
  localhost: /scheme "none"/,
  "localhost:6379": /scheme "none"/,
  "http://a:1": /scheme "http" is none of redis, /,
  "REDIS://a:1": /scheme "REDIS"/,
  "constructor://h": /scheme "constructor" is none of redis, /,
  "redis://:p@ss@a:1": /more than one "@"; in a password it is percent-encoded as %40/,
  "redis:/a:1": /malformed|scheme/,
  "redis://": /host/,
  "redis:///0": /host/,
  "redis://a:0": /host/,
  "redis://a:65536": /host/,
  "redis://a:": /host/,
  "redis://a:x": /host/,
  "redis://::1": /host/,
  "redis://[::1": /host/,
  "redis://a:1,b:2": /several hosts need the scheme redis\+cluster or redis\+sentinel/,
  "redis://a:1/x": /database/,
  "redis://a:1/-1": /database/,
  "redis://a:1/1.5": /database/,
  "redis://a:1/1/2": /database/,
  "redis://a:1/999999": /database/,
  "redis://a:1?db=1": /malformed \("\/", "@" and ":" in credentials are percent-encoded\)/,
  "redis://a:1#x": /malformed/,
  "redis+cluster://a:1,": /host/,
  "redis+cluster://a:1,,b:2": /host/,
  "redis+cluster://a:1/1": /cluster has only database 0/,
  "redis+sentinel://a:1": /master's name/,
  "redis+sentinel://a:1/": /master's name/,
  "redis+sentinel://a:1/m/x": /database/,
  "redis+sentinel://a:1/%zz": /master's name is not percent-encoded/,
  "redis://:%zz@a:1": /password is not percent-encoded/,
  "redis://%zz:p@a:1": /user name is not percent-encoded/,
};

describe("parseRedisUrl", () => {
  for (const [url, address] of Object.entries(READ)) {
    it(`reads ${url}`, () => {
      expect(parseRedisUrl(url)).to.deep.equal(address);
    });
  }

  for (const [url, complaint] of Object.entries(REFUSED)) {
    it(`refuses ${url === "" ? "an empty string" : url} with a TypeError that says why`, () => {
      expect(() => parseRedisUrl(url)).to.throw(TypeError, complaint);
    });
  }

  it("reads any credentials that are percent-encoded", () => {
    const word = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(
      fc.property(word, word, (username, password) => {
        const userInfo = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
        expect(parseRedisUrl(`redis://${userInfo}@a:1/7`)).to.deep.equal({
          ...STANDALONE,
          hosts: [A],
          username,
          password,
          db: 7,
        });
      }),
    );
  });

  it("never repeats a password, however wrong the URL is", () => {
    const secret = "Hunter2";
    const malformed = [
      `redis://user:${secret}/x@a:1`,
      `redis://user:1/${secret}@a:1`,
      `redis://user:${secret}@x@a:1`,
      `redis://user:${secret}@a:99999`,
      `redis://user:${secret}@a:1/x`,
      `redis://user:%zz${secret}@a:1`,
      `redis+sentinel://user:1/${secret}@a:1/mymaster`,
      `redis+sentinel://user:1/${secret}@a:1`,
      `redis+cluster://user:${secret}@a:1,b:2/9`,
      `${secret}:x@a:1`,
      `user:${secret}@a:1`,
      `:${secret}@a:1`,
      `redis:user:${secret}@a:1`,
    ];
    for (const url of malformed) {
      expect(() => parseRedisUrl(url), url)
        .to.throw(TypeError)
        .with.property("message")
        .that.does.not.include(secret);
    }
  });

  it("returns an address or throws a TypeError, whatever the string", () => {
    const part = fc.constantFrom(
      "redis",
      "rediss",
      "+cluster",
      "+sentinel",
      "://",
      "@",
      ":",
      "/",
      ",",
      "[",
      "]",
      "%",
      "a",
      "1",
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 14 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (url) => {
        try {
          expect(parseRedisUrl(url).hosts).to.not.be.empty;
        } catch (error) {
          expect(error).to.be.instanceOf(TypeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
