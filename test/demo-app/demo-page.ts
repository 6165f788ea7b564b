import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { PATIENT_MS } from "../support/shared-redis.ts";

/** `npm run demo` as a newcomer runs it, in a process of its own. */
export interface RunningDemo {
  readonly url: string;
  stop(): Promise<void>;
}

/** The demo compiles what is older than its source before it starts. */
const START_WITHIN_MS = 50_000;

/** @throws Error when the demo ends, or takes too long, before it serves; nothing of it runs then */
export async function startDemo(): Promise<RunningDemo> {
  const child = spawn(process.execPath, ["demo-app/start.mjs"], {
    env: {
      ...process.env,
      PORT: "0",
      HOST: "",
      REDIS_URL: "",
      LOG_LEVEL: "silent",
      NODE_OPTIONS: "",
      // What the page shows is tested, not what it does where the machine stalls.
      STORE_DEADLINE_MS: String(PATIENT_MS),
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGINT");
    await ended;
  };
  const waiting = AbortSignal.timeout(START_WITHIN_MS);
  const url = await Promise.race([announcedUrl(child), once(waiting, "abort").then(() => undefined)]);
  if (url !== undefined) return { url, stop };
  await stop();
  throw new Error(`the demo did not start: exit code ${child.exitCode}, signal ${child.signalCode}`);
}

/** Undefined when the demo ends without one. */
async function announcedUrl(child: ChildProcess): Promise<string | undefined> {
  if (!child.stdout) return undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const [url] = /http:\/\/[^ ]+/.exec(line) ?? [];
    if (url) return url;
  }
  return undefined;
}

export interface PageOptions {
  readonly width: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  readonly reducedMotion?: "reduce" | "no-preference";
}

export interface RunningBrowser {
  /** A page of a browser that knows nothing yet: no cookies, nothing stored. */
  open(options: PageOptions): Promise<Page>;
  closePages(): Promise<void>;
  stop(): Promise<void>;
}

/** Debian's Chromium on a profile of its own, which goes away with it. */
export async function startBrowser(): Promise<RunningBrowser> {
  // Besides the profile, which Playwright makes and removes, Chromium leaves files in its home.
  const home = await mkdtemp(join(tmpdir(), "demo-page-"));
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const contexts: BrowserContext[] = [];
  return {
    async open({ width, height = 900, ...preferences }) {
      const context = await browser.newContext({ viewport: { width, height }, ...preferences });
      contexts.push(context);
      return await context.newPage();
    },
    async closePages() {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
    },
    async stop() {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

let registered = 0;

/** Registers a player whose name no other test has. */
export async function register(page: Page, name: string): Promise<string> {
  registered += 1;
  const player = `${name}${registered}`;
  await page.fill("#username", player);
  await page.fill("#password", "correct horse battery");
  await page.click("text=Register");
  await page.locator("#player-name", { hasText: player }).waitFor();
  return player;
}
