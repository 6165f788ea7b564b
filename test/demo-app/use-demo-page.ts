import { startBrowser, startDemo, type RunningBrowser, type RunningDemo } from "./demo-page.ts";

/** Inside a `describe`: one demo and one browser for all of its tests; the pages that a test opens are closed after it. */
export function useDemoPage(): () => { readonly url: string; readonly browser: RunningBrowser } {
  let demo: RunningDemo | undefined;
  let browser: RunningBrowser | undefined;
  before(async function () {
    this.timeout(60_000);
    // One after the other: what has started must be known to whatever ends it.
    browser = await startBrowser();
    demo = await startDemo();
  });
  after(async () => {
    await browser?.stop();
    await demo?.stop();
  });
  afterEach(() => browser?.closePages());
  return () => {
    if (!browser || !demo) throw new Error("the demo runs only while a test does");
    return { url: demo.url, browser };
  };
}
