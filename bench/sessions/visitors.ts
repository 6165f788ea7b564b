import { strict as assert } from "node:assert";
import type { CaseRequest } from "../harness/http-case.ts";
import type { SessionSettings } from "./settings.ts";
import { USERS } from "./users.ts";

/** Somebody who has logged in. */
interface Visitor {
  readonly user: string;
  /** Name and value, as a browser sends it. */
  readonly cookie: string;
}

/** What the load asks for, once it is known to work. */
export type Question = "read" | "change" | "login";

const AT_ONCE = 50;

/**
 * Logs everybody in, looks at whether some of them are told from each other, a forged cookie from a right one, and
 * whether a change is stored, and answers the requests for the load. Whoever is not known under it fails the run.
 */
export async function loggedIn(
  url: string,
  question: Question,
  settings: SessionSettings,
): Promise<readonly CaseRequest[]> {
  const some = await logInTogether(url);
  await Promise.all(some.map((visitor) => assertKnown(url, visitor, settings)));
  assert.equal(new Set(some.map(({ user }) => user)).size, some.length, "everybody is somebody else");
  const [first] = some;
  assert.ok(first);
  await assertForgedUnknown(url, first);
  await assertChangeStored(url, first);
  if (question === "login") return [LOGIN];
  const visitors = [...some];
  while (visitors.length < USERS) visitors.push(...(await logInTogether(url)));
  return visitors.map(({ cookie }) => requestOf(question, cookie));
}

/** The same requests for an app that has no sessions. */
export function strangers(question: Question): readonly CaseRequest[] {
  if (question === "login") return [LOGIN];
  const cookie = `sid=${"x".repeat(32)}.${"y".repeat(43)}`;
  return Array.from({ length: USERS }, () => requestOf(question, cookie));
}

const LOGIN: CaseRequest = { method: "POST", path: "/login", headers: {} };

function requestOf(question: "read" | "change", cookie: string): CaseRequest {
  if (question === "read") return { method: "GET", path: "/", headers: { cookie } };
  return { method: "POST", path: "/visits", headers: { cookie } };
}

function logInTogether(url: string): Promise<readonly Visitor[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, () => logIn(url)));
}

async function logIn(url: string): Promise<Visitor> {
  const answer = await fetch(`${url}login`, { method: "POST" });
  assert.equal(answer.status, 200, "a login is answered");
  const [cookie = ""] = (answer.headers.getSetCookie()[0] ?? "").split(";");
  assert.match(cookie, /^sid=.{40}/, "a login sets a cookie");
  const { user } = (await answer.json()) as { user: string };
  const profile = await fetch(`${url}profile`, { method: "POST", headers: { cookie } });
  assert.deepEqual([profile.status, await profile.json()], [200, { user, visits: 0 }]);
  return { user, cookie };
}

async function assertKnown(url: string, { user, cookie }: Visitor, settings: SessionSettings): Promise<void> {
  const answer = await fetch(url, { headers: { cookie } });
  assert.deepEqual([answer.status, await answer.json()], [200, { user, visits: 0 }]);
  assert.equal(answer.headers.has("set-cookie"), settings.rolling, "the cookie is set where it rolls");
}

async function assertForgedUnknown(url: string, { cookie }: Visitor): Promise<void> {
  const forged = cookie.replace(/(?<=^sid=.{8})./, (one) => (one === "A" ? "B" : "A"));
  for (const headers of [{}, { cookie: forged }]) {
    const answer = await fetch(url, { headers });
    assert.equal(answer.status, 401, "whoever has no session is not let in");
  }
}

async function assertChangeStored(url: string, { user, cookie }: Visitor): Promise<void> {
  for (const visits of [1, 2]) {
    const answer = await fetch(`${url}visits`, { method: "POST", headers: { cookie } });
    assert.deepEqual([answer.status, await answer.json()], [200, { user, visits }]);
  }
  const read = await fetch(url, { headers: { cookie } });
  assert.deepEqual(await read.json(), { user, visits: 2 }, "a change is stored");
}
