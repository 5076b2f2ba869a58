"use strict";
/*
 * Opens the guide's page in Chromium, requests /push twice from elsewhere, and prints what the
 * page shows, every host it asked for something, and every problem it reported.
 */
const { withPage } = require("./browser.cjs");

withPage(async (page, url, report) => {
  await page.goto(url);
  await page.locator("#state", { hasText: /^connected$/ }).waitFor();
  const pushed = [];
  for (let times = 1; times <= 2; times += 1) {
    pushed.push(await (await fetch(`${url}/push`)).text());
    await page.waitForFunction((n) => document.querySelectorAll("#t br").length === n, times);
  }
  return {
    heading: await page.locator("h2").innerText(),
    text: (await page.locator("#t").innerText()).trim(),
    pushed,
    ...report(),
  };
});
