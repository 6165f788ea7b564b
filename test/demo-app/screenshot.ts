import { mkdir, stat } from "node:fs/promises";
import { startBrowser, startDemo } from "./demo-page.ts";

/* `npm run screenshot` makes the picture of the README: the page in the middle of a season that is played. */

const FILE = "docs/images/leaderboard.png";
/** February 2016: Leicester City lead, and have just won at Manchester City. */
const MOMENT = /match 24[4-9] /;

const demo = await startDemo();
const browser = await startBrowser();
try {
  const page = await browser.open({ width: 1280, height: 1140, colorScheme: "light" });
  await page.goto(demo.url);
  await page.locator("#rows [data-zone]").first().waitFor();
  await page.click("#ask-again");
  await page.selectOption("#speed", "10");
  await page.click("#replay");
  await page.mouse.move(0, 0);
  await page.locator("#result-when", { hasText: MOMENT }).waitFor({ timeout: 60_000 });
  await mkdir("docs/images", { recursive: true });
  // Rows that travel are shown where they arrive.
  await page.screenshot({ path: FILE, animations: "disabled" });
  const { size } = await stat(FILE);
  process.stdout.write(`${FILE}: ${Math.round(size / 1000)} kB\n`);
} finally {
  await browser.stop();
  await demo.stop();
}
