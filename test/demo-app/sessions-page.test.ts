import { expect } from "chai";
import type { Page } from "playwright-core";
import { dayAndTime, timeLeft, timeSince } from "../../demo-app/web/time-words.ts";
import { eventually } from "../support/eventually.ts";
import { requiresService } from "../support/requires-service.ts";
import { register } from "./demo-page.ts";
import { overflow } from "./page-readings.ts";
import { useDemoPage } from "./use-demo-page.ts";

const PASSWORD = "correct horse battery";

describe("where a player is logged in, on the page", function () {
  this.timeout(60_000);
  requiresService("chromium");
  const demo = useDemoPage();

  async function openPage(): Promise<Page> {
    const page = await demo().browser.open({ width: 1280 });
    await page.goto(demo().url);
    await page.waitForSelector("#rows [data-zone]");
    return page;
  }

  async function logIn(player: string): Promise<Page> {
    const page = await openPage();
    await page.fill("#username", player);
    await page.fill("#password", PASSWORD);
    await page.click("button[value=login]");
    await page.locator("#player-name", { hasText: player }).waitFor();
    return page;
  }

  const openList = async (page: Page, lines: number): Promise<void> => {
    await page.click("text=Where you are logged in");
    await eventually(async () => expect(await page.locator("#sessions li").count()).to.equal(lines));
  };
  const said = (page: Page, text: RegExp): Promise<void> =>
    eventually(async () => expect(await page.textContent("#account-message")).to.match(text));

  it("is a list with a button for each, the present one first, and fits", async () => {
    const here = await openPage();
    await logIn(await register(here, "lister"));
    await openList(here, 2);
    const lines = await here.locator("#sessions li").allInnerTexts();
    expect(lines[0]).to.match(
      /^Chrome on Linux this one\s+Log out\s+Logged in today at \d\d:\d\d\. Ends in 2\d hours unless used\.$/,
    );
    expect(lines[1]).to.match(
      /^Chrome on Linux\s+Log out\s+Logged in today at \d\d:\d\d\. Used just now\. Ends in/,
    );
    const buttons = here.locator("#sessions button");
    const names = await buttons.evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
    expect(names).to.deep.equal(["Log out Chrome on Linux, this one", "Log out Chrome on Linux"]);
    for (const button of await buttons.all()) {
      const note = (await button.getAttribute("aria-describedby")) ?? "";
      expect(await here.textContent(`[id="${note}"]`)).to.match(/^Logged in /);
    }
    for (const width of [1280, 390]) {
      await here.setViewportSize({ width, height: 900 });
      expect(await overflow(here)).to.equal(0);
    }
  });

  it("can be left one by one, with the keyboard as well", async () => {
    const here = await openPage();
    const player = await register(here, "leaver");
    const there = await logIn(player);
    await openList(here, 2);
    await here.getByRole("button", { name: "Log out Chrome on Linux", exact: true }).focus();
    await here.keyboard.press("Enter");
    await said(here, /Chrome on Linux is logged out/);
    await eventually(async () => expect(await here.locator("#sessions li").count()).to.equal(1));
    expect(await here.evaluate("document.activeElement.getAttribute('aria-label')")).to.match(/this one$/);
    await there.fill("#score", "1");
    await there.click("text=Post score");
    await there.locator("#login").waitFor();
    await here.keyboard.press("Enter");
    await said(here, /^Logged out\.$/);
    expect(await here.isVisible("#username")).to.equal(true);
  });

  it("can be left everywhere at once", async () => {
    const here = await openPage();
    const player = await register(here, "everywhere");
    const there = await logIn(player);
    await openList(here, 2);
    await here.click("text=Log out everywhere");
    await said(here, /^Logged out in 2 places, this one included\.$/);
    expect(await here.evaluate("document.activeElement.id")).to.equal("username");
    await there.reload();
    await there.waitForSelector("#rows [data-zone]");
    await eventually(async () => expect(await there.isVisible("#username")).to.equal(true));
  });

  it("tells who was logged out elsewhere meanwhile", async () => {
    const here = await openPage();
    const player = await register(here, "surprised");
    const there = await logIn(player);
    await openList(there, 2);
    await there.click("text=Log out everywhere");
    await said(there, /^Logged out in 2 places/);
    await here.click("text=Where you are logged in");
    await said(here, /^Log in first\.$/);
    await eventually(async () => expect(await here.isVisible("#username")).to.equal(true));
  });
});

describe("the page's words for times", () => {
  const now = new Date(2026, 4, 17, 12, 0);
  const at = (...time: [day: number, hours: number, minutes: number]): string =>
    new Date(2026, 4, ...time).toISOString();

  it("name the hour of today, and else the day", () => {
    expect(dayAndTime(at(17, 9, 5), now)).to.equal("today at 09:05");
    expect(dayAndTime(at(16, 23, 59), now)).to.equal("on 16 May at 23:59");
  });

  it("tell spans in their largest unit, and none that is negative", () => {
    const since = (...time: [number, number, number]): string => timeSince(at(...time), now.getTime());
    expect(since(17, 12, 0)).to.equal("just now");
    expect(since(17, 11, 15)).to.equal("45 minutes ago");
    expect(since(17, 7, 0)).to.equal("5 hours ago");
    expect(since(12, 12, 0)).to.equal("5 days ago");
    expect(since(17, 12, 30)).to.equal("just now");
    const left = (...time: [number, number, number]): string => timeLeft(at(...time), now.getTime());
    expect(left(18, 12, 0)).to.equal("24 hours");
    expect(left(17, 11, 0)).to.equal("a minute");
    expect(left(20, 12, 0)).to.equal("3 days");
  });
});
