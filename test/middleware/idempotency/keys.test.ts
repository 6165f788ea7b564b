import { expect } from "chai";
import fc from "fast-check";
import { parseIdempotencyKey } from "../../../middleware/idempotency/idempotency-key.ts";
import { receiveFrom } from "../response/served.ts";
import { serve } from "../rate-limit/served-app.ts";
import { idempotentApp } from "./idempotent-app.ts";

const UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324";

describe("an Idempotency-Key", () => {
  const accepted: Record<string, string> = {
    [`"${UUID}"`]: UUID,
    [UUID]: UUID,
    ' "a" ': "a",
    '"a b"': "a b",
    '"a,b;c"': "a,b;c",
    '"say \\"a\\" or \\\\"': 'say "a" or \\',
    '"a";v=1': "a",
    '"a"; v="x;\\"y"; w;d=?1; *x=:YQ==:': "a",
    "req_1.2:3/4+5==": "req_1.2:3/4+5==",
    "'a'": "'a'",
    [`"${"x".repeat(255)}"`]: "x".repeat(255),
    ["x".repeat(255)]: "x".repeat(255),
  };
  for (const [field, key] of Object.entries(accepted)) {
    it(`may be ${field.slice(0, 60)}`, () => expect(parseIdempotencyKey(field)).to.equal(key));
  }

  const refused: Record<string, string> = {
    nothing: "",
    blanks: "   ",
    "an empty String": '""',
    "two Strings": '"a", "b"',
    "one String twice": '"a", "a"',
    "two tokens": "a, b",
    "a bare list": "a,b",
    "a blank in a token": "a b",
    "a token with parameters": "a;v=1",
    "a String without its end": '"a',
    "a String without its beginning": 'a"',
    "an unknown escape": '"a\\n"',
    "text behind a String": '"a"b',
    "parameters that are none": '"a";V=1',
    "a parameter without a name": '"a";=1',
    "a control character": '"a\u0001"',
    "a tab": '"a\tb"',
    "a letter beyond ASCII": '"\u00e9"',
    "a bare letter beyond ASCII": "\u00e9",
    "256 characters": `"${"x".repeat(256)}"`,
    "256 bare characters": "x".repeat(256),
    "10 KB": "x".repeat(10_240),
    "10 KB of escapes": `"${"\\\\".repeat(5_000)}"`,
    "10 KB of parameters that are none": `"a"${";a=".repeat(3_000)}`,
  };
  for (const [what, field] of Object.entries(refused)) {
    it(`may not be ${what}`, () => expect(parseIdempotencyKey(field)).to.equal(undefined));
  }

  it("is refused at once, however many blanks stand within", () => {
    const cpuBefore = process.cpuUsage();
    expect(parseIdempotencyKey(`a${" ".repeat(100_000)}b`)).to.equal(undefined);
    const { user, system } = process.cpuUsage(cpuBefore);
    // Looked at anew from each of them, they take a minute of processor time.
    expect((user + system) / 1000).to.be.below(1000);
  });

  it("may be any String that RFC 9651 can write, and is what was written", () => {
    const visible = fc.string({ unit: fc.constantFrom(...printable()), minLength: 1, maxLength: 255 });
    fc.assert(
      fc.property(visible, (key) => {
        const written = `"${key.replace(/["\\]/g, "\\$&")}"`;
        expect(parseIdempotencyKey(written)).to.equal(key);
      }),
    );
  });

  it("is the same with quotes and without", async () => {
    const { post, runs } = idempotentApp();
    await post(UUID);
    expect((await post(`"${UUID}"`)).get("Idempotency-Replayed")).to.equal("true");
    expect(runs()).to.equal(1);
  });

  it("is answered 400 where it is none, whether it is required or not, and nothing runs", async () => {
    for (const required of [true, false]) {
      const { app, runs } = idempotentApp(undefined, { required });
      const served = await serve(app);
      try {
        const port = served.port;
        for (const value of [["a", "b"], ['"a"', '"a"'], "", '""', "x".repeat(10_240), '"\u00e9"', '"a']) {
          const headers = { "Idempotency-Key": value };
          const answer = await receiveFrom(port, { method: "POST", path: "/orders", headers });
          expect([answer.status, answer.headers["content-type"]]).to.deep.equal([
            400,
            "application/problem+json",
          ]);
          expect(answer.text).to.contain("1 to 255 visible ASCII characters").and.not.to.contain("xxx");
        }
      } finally {
        await served.stop();
      }
      expect(runs()).to.equal(0);
    }
  });
});

function printable(): string[] {
  return Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCodePoint(0x20 + at));
}
