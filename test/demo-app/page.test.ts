import { expect } from "chai";
import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { requiresService } from "../support/requires-service.ts";
import { register, type PageOptions } from "./demo-page.ts";
import { overflow, players, results, rowTexts, travellingRows } from "./page-readings.ts";
import { useDemoPage } from "./use-demo-page.ts";

describe("the page, in a browser", function () {
  this.timeout(60_000);
  requiresService("chromium");

  const demo = useDemoPage();
  let complaints: string[];

  beforeEach(() => {
    complaints = [];
  });
  afterEach(() => {
    expect(complaints, "what the browser complained about").to.deep.equal([]);
  });

  /** Opens the page with its first table. Errors, whatever the policy blocks and requests to elsewhere are collected. */
  async function openPage(options: PageOptions): Promise<Page> {
    const page = await demo().browser.open(options);
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // A refusal that a test asks for is one of these too; what else is missing shows as a request that failed.
      if (message.type() === "error" && !message.text().startsWith("Failed to load"))
        complaints.push(message.text());
    });
    page.on("response", (response) => {
      if (response.status() === 404 || response.status() >= 500)
        complaints.push(`${response.status()} ${response.url()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(demo().url)) complaints.push(`request to ${request.url()}`);
    });
    await page.goto(demo().url);
    await page.waitForSelector("#rows [data-zone]");
    return page;
  }

  const seasons = [
    {
      width: 1280,
      division: "English Premier League",
      champions: /^Full time\. Leicester City .* 81 points\.$/,
    },
    {
      width: 390,
      division: "Österreichische Bundesliga",
      champions: /^Full time\. .*Salzburg .* \d+ points\.$/,
    },
  ];
  for (const { width, division, champions } of seasons) {
    describe(`at ${width} pixels`, () => {
      it("opens with Leicester City as champions, and fits", async () => {
        const page = await openPage({ width });
        expect(await rowTexts(page, 3)).to.deep.equal([
          "1 Champions League place Leicester City 68 +32 81",
          "2 Champions League place Arsenal 65 +29 71",
          "3 Champions League place Tottenham Hotspur 69 +34 70",
        ]);
        expect(await page.textContent("h1")).to.match(/English Premier League\s+2015–16/);
        expect(await overflow(page)).to.equal(0);
      });

      it("shows the board that is chosen by division and season", async () => {
        const page = await openPage({ width });
        await page.selectOption("#division", "Deutsche Bundesliga");
        await page.getByText("2013–14").click();
        await eventually(async () => {
          expect(await page.locator("#rows tr").count()).to.equal(18);
          expect((await rowTexts(page, 1))[0]).to.match(/^1 .*FC Bayern Munchen .* 90$/);
        });
        expect(await overflow(page)).to.equal(0);
        await page.reload();
        await page.getByText("FC Bayern Munchen").waitFor();
      });

      it("moves the rows while a season is played, and ends with its final table", async () => {
        const page = await openPage({ width });
        await page.selectOption("#division", division);
        await page.locator('#table[aria-busy="false"]').waitFor();
        const final = await results(page);
        await page.selectOption("#speed", "100");
        await page.click("#replay");
        const orders = new Set<string>();
        let travelled = false;
        await eventually(async () => {
          orders.add((await players(page)).join());
          travelled ||= (await travellingRows(page)) > 0;
          expect(await page.textContent("#result-message")).to.match(champions);
        }, 45_000);
        expect(orders.size).to.be.greaterThan(5);
        expect(travelled).to.equal(true);
        expect(await results(page)).to.deep.equal(final);
        expect(await overflow(page)).to.equal(0);
      });

      it("registers a player, posts a score and shows what the middlewares did", async () => {
        const page = await openPage({ width });
        const player = await register(page, `scorer${width}`);
        await page.fill("#score", "1234.5");
        await page.click("text=Post score");
        await page.locator("#rows [data-own]").waitFor();
        expect(await page.innerText("#rows [data-own]")).to.match(
          new RegExp(`^\\d+\\s+${player}\\s+1,234.5$`),
        );
        expect(await page.textContent("#account-message")).to.match(/^Posted: number \d+ of the free board/);
        expect(await page.textContent("#requests")).to.match(/POST \/score200/);
        expect(await page.textContent("#quotas")).to.match(/client\d+ leftof \d+ in \d+ s/);
        expect(await overflow(page)).to.equal(0);
      });
    });
  }

  it("shows that the second request for a table was answered from the cache", async () => {
    const page = await openPage({ width: 1280 });
    await page.click("#ask-again");
    await page.click("#ask-again");
    await page.locator('#requests [data-cache="hit"]').first().waitFor();
  });

  it("says 409 and when to come back, for a job that runs already", async () => {
    const page = await openPage({ width: 390 });
    await register(page, "worker");
    await page.click("#job");
    await page.click("#job");
    const message = page.locator("#account-message");
    await message.getByText(/^409: .*again in \d+ s\.$/i).waitFor();
    await page.locator('#requests [data-result="refused"] .status', { hasText: "409" }).waitFor();
    await message.getByText("The job is done, the lock is free.").waitFor();
  });

  it("remembers the login over a reload, and forgets it on logout", async () => {
    const page = await openPage({ width: 1280 });
    const player = await register(page, "returner");
    await page.reload();
    await page.locator("#player-name", { hasText: player }).waitFor();
    await page.click("#logout");
    await page.locator("#login").waitFor();
    expect(await page.isVisible("#player-pane")).to.equal(false);
  });

  it("says what is wrong with a login and with a score", async () => {
    const page = await openPage({ width: 1280 });
    const message = page.locator("#account-message");
    await page.fill("#username", "nobody");
    await page.fill("#password", "not the password");
    await page.click("text=Log in >> nth=-1");
    await message.getByText(/wrong/).waitFor();
    await register(page, "mistaken");
    await page.fill("#score", "many");
    await page.click("text=Post score");
    await message.getByText("A score is a number.").waitFor();
  });

  it("goes back to the final table when a replay is stopped", async () => {
    const page = await openPage({ width: 1280 });
    const final = await results(page);
    await page.click("#replay");
    await page.locator("#result-when", { hasText: /match \d+ of 380/ }).waitFor();
    await page.click("#replay");
    await eventually(async () => expect(await results(page)).to.deep.equal(final));
  });

  it("moves nothing for readers who prefer calm", async () => {
    const page = await openPage({ width: 1280, reducedMotion: "reduce" });
    const before = await players(page);
    await page.selectOption("#speed", "100");
    await page.click("#replay");
    await eventually(async () => {
      expect(await travellingRows(page)).to.equal(0);
      expect(await players(page)).to.not.deep.equal(before);
    });
    expect(await travellingRows(page)).to.equal(0);
  });

  it("tells that the server is gone, and recovers by itself when it is back", async () => {
    const page = await openPage({ width: 390 });
    await page.context().setOffline(true);
    await page.selectOption("#division", "Serie A");
    await page.getByText("The server does not answer.").waitFor();
    expect(await players(page), "rows under another board's name").to.deep.equal([]);
    expect(await overflow(page)).to.equal(0);
    await page.context().setOffline(false);
    await page.getByText("Juventus").waitFor();
    expect(await page.isVisible("#notice")).to.equal(false);
  });

  it("changes the season by keyboard", async () => {
    const page = await openPage({ width: 1280 });
    await page.focus("#division");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.locator("#title-season", { hasText: "2016–17" }).waitFor();
    await eventually(async () => expect((await players(page))[0]).to.equal("Chelsea"));
  });
});
