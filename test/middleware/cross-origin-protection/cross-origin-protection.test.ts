import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import express, { type Express } from "express";
import {
  crossOriginProtection,
  type CrossOriginProtectionOptions,
} from "express-redis-suite/cross-origin-protection";
import request, { type Response } from "supertest";

const HOST = "shop.example";

function appWith(options?: CrossOriginProtectionOptions, trustProxy?: number): Express {
  const app = express();
  if (trustProxy !== undefined) app.set("trust proxy", trustProxy);
  app.use(crossOriginProtection(options));
  app.all("/", (_req, res) => void res.send("changed"));
  return app;
}

type Headers = Readonly<Record<string, string>>;

function post(app: Express, headers: Headers): Promise<Response> {
  return request(app)
    .post("/")
    .set({ Host: HOST, ...headers })
    .then((response) => response);
}

describe("crossOriginProtection", () => {
  const passing: Record<string, Headers> = {
    "a page of the same origin": { "Sec-Fetch-Site": "same-origin", Origin: `http://${HOST}` },
    "what the user typed or bookmarked": { "Sec-Fetch-Site": "none" },
    "a form of the same origin under Referrer-Policy: no-referrer": {
      "Sec-Fetch-Site": "same-origin",
      Origin: "null",
    },
    "an older browser's page of the same origin": { Origin: `http://${HOST}` },
    "the same origin with its usual port in Host": { Host: `${HOST}:80`, Origin: `http://${HOST}` },
    "the same origin with capitals in Host": { Host: "Shop.Example", Origin: `http://${HOST}` },
    "the same origin on a port of its own": { Host: `${HOST}:3000`, Origin: `http://${HOST}:3000` },
    "a program that is no browser": {},
  };
  for (const [what, headers] of Object.entries(passing)) {
    it(`lets ${what} pass`, async () => {
      const { status, text } = await post(appWith(), headers);
      expect([status, text]).to.deep.equal([200, "changed"]);
    });
  }

  const refused: Record<string, Headers> = {
    "a page of another site": { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" },
    "another port of the same host": { "Sec-Fetch-Site": "same-site", Origin: `http://${HOST}:8080` },
    "a cross-site page that hides its origin": { "Sec-Fetch-Site": "cross-site" },
    "a cross-site page that claims ours": { "Sec-Fetch-Site": "cross-site", Origin: `http://${HOST}` },
    "a value of Sec-Fetch-Site that there is not yet": { "Sec-Fetch-Site": "same-planet" },
    "an empty Sec-Fetch-Site": { "Sec-Fetch-Site": "" },
    "an older browser's page of another site": { Origin: "https://evil.example" },
    "an older browser's page of another port": { Origin: `http://${HOST}:8080` },
    "an older browser's page of another scheme": { Origin: `https://${HOST}` },
    "an older browser's page of a subdomain": { Origin: `http://evil.${HOST}` },
    "an older browser's sandbox": { Origin: "null" },
    "an Origin that is none": { Origin: "not an origin" },
    "an empty Origin": { Origin: "" },
  };
  for (const [what, headers] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const { status, headers: sent, body } = await post(appWith(), headers);
      expect(status).to.equal(403);
      expect(sent["content-type"]).to.equal("application/problem+json");
      expect(body).to.include({ type: "about:blank", title: "Forbidden", status: 403 });
    });
  }

  for (const method of ["post", "put", "patch", "delete"] as const) {
    it(`checks ${method.toUpperCase()}, and says what the answer depended on`, async () => {
      const cross = { "Sec-Fetch-Site": "cross-site" };
      const { status, headers } = await request(appWith())[method]("/").set(cross);
      expect([status, headers["vary"]]).to.deep.equal([403, "Sec-Fetch-Site, Origin"]);
      expect((await request(appWith())[method]("/")).headers["vary"]).to.equal("Sec-Fetch-Site, Origin");
    });
  }

  for (const method of ["get", "head", "options", "trace"] as const) {
    it(`lets ${method.toUpperCase()} pass whoever asks, and adds nothing to it`, async () => {
      const cross = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
      const { status, headers } = await request(appWith())[method]("/").set(cross);
      expect([status, headers["vary"]]).to.deep.equal([200, undefined]);
    });
  }

  it("appends to a Vary that is there", async () => {
    const app = express();
    app.use((_req, res, next) => {
      res.vary("Accept-Language");
      next();
    });
    app.use(appWith());
    expect((await request(app).post("/")).headers["vary"]).to.equal(
      "Accept-Language, Sec-Fetch-Site, Origin",
    );
  });

  it("does not know its own origin without a Host, and refuses every page then", async () => {
    const server = appWith().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const socket = connect(port, "127.0.0.1");
    socket.end("POST / HTTP/1.0\r\nOrigin: http://undefined\r\nContent-Length: 0\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    server.close();
    expect(answer.toString()).to.match(/^HTTP\/1\.1 403 /);
  });

  it("takes the origin from the proxy that Express trusts, and from nobody else", async () => {
    const forwarded = {
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "www.example",
      Origin: "https://www.example",
    };
    expect((await post(appWith(), forwarded)).status).to.equal(403);
    expect((await post(appWith({}, 1), forwarded)).status).to.equal(200);
  });

  it("lets trusted origins pass, whichever header tells of them", async () => {
    const app = appWith({ trustedOrigins: ["https://admin.example", "capacitor://localhost"] });
    for (const Origin of ["https://admin.example", "capacitor://localhost"]) {
      expect((await post(app, { Origin })).status).to.equal(200);
      expect((await post(app, { Origin, "Sec-Fetch-Site": "cross-site" })).status).to.equal(200);
    }
    expect((await post(app, { Origin: "https://admin.example:8443" })).status).to.equal(403);
    expect((await post(app, { "Sec-Fetch-Site": "same-site" })).status).to.equal(403);
  });

  const faults: readonly [value: unknown, told: string][] = [
    ["https://admin.example", "trustedOrigins must be an array"],
    [["https://admin.example/"], 'write "https://admin.example"'],
    [["https://Admin.example:443"], 'write "https://admin.example"'],
    [["https://admin.example/path"], 'write "https://admin.example"'],
    [["https://user@admin.example"], 'write "https://admin.example"'],
    [["admin.example"], 'not "admin.example"'],
    [["https://"], 'not "https://"'],
    [["*"], 'not "*"'],
    [["null"], 'not "null"'],
    [[""], 'not ""'],
    [[/admin/], "not object"],
  ];
  for (const [value, told] of faults) {
    it(`refuses trustedOrigins: ${Array.isArray(value) ? `[${value.join()}]` : value}`, () => {
      const options = { trustedOrigins: value } as CrossOriginProtectionOptions;
      expect(() => crossOriginProtection(options)).to.throw(TypeError, told);
    });
  }

  it("refuses an option that there is not, and names the right one", () => {
    const options = { allowedOrigins: [] } as CrossOriginProtectionOptions;
    expect(() => crossOriginProtection(options)).to.throw(TypeError, 'use "trustedOrigins"');
  });

  it("shows its name in stack traces", () => {
    expect(crossOriginProtection().name).to.equal("crossOriginProtectionMiddleware");
  });
});
