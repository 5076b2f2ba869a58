"use strict";
/* Runs a bundled scenario in Chromium, on a page of the server's own origin: <url> <bundle> [<more>]. */
const { withPage } = require("./browser.cjs");

const [, , , bundle, more = ""] = process.argv;

withPage(async (page, url) => {
  await page.goto(`${url}/nothing-is-here`);
  await page.addScriptTag({ path: bundle });
  return page.evaluate(([server, other]) => globalThis.runScenario(server, other), [url, more]);
});
