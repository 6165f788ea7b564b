import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { requiresService } from "../support/requires-service.ts";
import { register } from "./demo-page.ts";
import { overflow, players } from "./page-readings.ts";
import { useDemoPage } from "./use-demo-page.ts";

describe("the page, when not all goes as planned", function () {
  this.timeout(60_000);
  requiresService("chromium");

  const demo = useDemoPage();

  async function openPage(width = 1280): Promise<Page> {
    const page = await demo().browser.open({ width });
    return await visit(page);
  }

  async function visit(page: Page): Promise<Page> {
    await page.goto(demo().url);
    await page.waitForSelector("#rows [data-zone]");
    return page;
  }

  /** Shares its cookies and its storage with the first. */
  async function secondTab(page: Page): Promise<Page> {
    return await visit(await page.context().newPage());
  }

  async function focused(page: Page): Promise<string> {
    return await page.evaluate<string>("document.activeElement.id");
  }

  for (const width of [1280, 390, 320]) {
    it(`fits into ${width} pixels, however large a score and long a name`, async () => {
      const page = await openPage(width);
      expect(await overflow(page)).to.equal(0);
      await register(page, "W".repeat(30));
      for (const score of ["1.79e308", "-99999999"]) {
        await page.fill("#score", score);
        await page.click("text=Post score");
        const text = score.startsWith("-") ? "−99,999,999" : "1.79E308";
        const points = page.locator("#rows [data-own] .points", { hasText: text });
        await points.waitFor();
        expect(await points.evaluate((cell) => cell.scrollWidth - cell.clientWidth)).to.equal(0);
        expect(await overflow(page)).to.equal(0);
        const room = await page.locator(".account").boundingBox();
        const pane = await page.locator("#player-pane").boundingBox();
        expect(pane?.width).to.equal(room?.width);
      }
    });
  }

  it("takes a score that is typed as the table writes it", async () => {
    const page = await openPage();
    await register(page, "typist");
    await page.fill("#score", "1,234,567.5");
    await page.click("text=Post score");
    await page.locator("#rows [data-own]", { hasText: "1,234,567.5" }).waitFor();
  });

  it("shows the board of the address when the reader goes back to it", async () => {
    const page = await openPage();
    await page.focus(".skip");
    await page.keyboard.press("Enter");
    await page.getByText("2013–14").click();
    await eventually(async () => expect((await players(page))[0]).to.equal("Manchester City"));
    await page.goBack();
    await eventually(async () => expect((await players(page))[0]).to.equal("Leicester City"));
    expect(page.url()).to.include("2015-16");
    expect(await page.locator("#season-choices :checked").inputValue()).to.include("2015-16");
  });

  it("notices at the next press that the player logged out in another tab", async () => {
    const page = await openPage();
    await register(page, "leaver");
    const other = await secondTab(page);
    await other.click("#logout");
    await other.locator("#account-message", { hasText: "Logged out." }).waitFor();
    await page.focus("#job");
    await page.keyboard.press("Enter");
    await page.locator("#login").waitFor();
    expect(await page.isVisible("#player-pane")).to.equal(false);
    expect(await focused(page)).to.equal("username");
  });

  it("notices with the next score that another player logged in in another tab", async () => {
    const page = await openPage();
    await register(page, "first");
    const other = await secondTab(page);
    await other.click("#logout");
    await other.locator("#login").waitFor();
    const second = await register(other, "second");
    await page.fill("#score", "1");
    await page.click("text=Post score");
    await page.locator("#player-name", { hasText: second }).waitFor();
  });

  it("finds the login again once the server can say whose it is", async () => {
    const page = await openPage();
    const player = await register(page, "patient");
    let refusals = 0;
    await page.route("**/profile", async (route) => {
      refusals += 1;
      if (refusals > 1) await route.continue();
      else await route.fulfill({ status: 503, headers: { "Retry-After": "1" }, body: "{}" });
    });
    await page.reload();
    await page.locator("#player-name", { hasText: player }).waitFor();
    expect(refusals).to.equal(2);
  });

  it("keeps the focus on the button while it tries again in vain", async () => {
    const page = await openPage();
    // Late enough for frames in which nothing is known yet.
    await page.route("**/leaderboard?*", async (route) => {
      await pause(200);
      await route.abort();
    });
    await page.click("#ask-again");
    const retry = page.locator("#notice-retry", { hasText: "Try now" });
    await retry.waitFor();
    await retry.focus();
    const tried = page.waitForEvent("requestfailed");
    await page.keyboard.press("Enter");
    await tried;
    await retry.waitFor();
    expect(await focused(page)).to.equal("notice-retry");
    await page.unroute("**/leaderboard?*");
    await page.locator("#notice").waitFor({ state: "hidden" });
  });
});
