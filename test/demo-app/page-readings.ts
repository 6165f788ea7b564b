import type { Page } from "playwright-core";

const ROWS = "#rows tr:not(.skeleton)";

/** What each row says, what only a screen reader hears included. */
export async function rowTexts(page: Page, count?: number): Promise<string[]> {
  const texts = await page.locator(ROWS).allInnerTexts();
  return texts.slice(0, count).map((text) => text.replaceAll(/\s+/g, " ").trim());
}

/** The players, or clubs, from the first to the last. */
export async function players(page: Page): Promise<string[]> {
  return await page.locator(`${ROWS} .name`).allTextContents();
}

/** Who has how many points, without the places moved, which only a replay shows. */
export async function results(page: Page): Promise<string[]> {
  return await page.locator(`${ROWS} :is(.name, .goals, .difference, .points)`).allTextContents();
}

/** How many pixels are cut off on the right. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
}

/** How many rows are on their way to another place. */
export async function travellingRows(page: Page): Promise<number> {
  return await page.evaluate<number>(
    "document.getAnimations().filter(({ effect }) => effect.target.matches('#rows tr') && effect.getKeyframes()[0].transform).length",
  );
}
