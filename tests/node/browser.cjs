"use strict";
/* One page in headless Chromium, for scripts that print one JSON object. */
const { execFileSync } = require("node:child_process");
const { chromium } = require("playwright-core");

const OPTIONS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function chromiumPath() {
  try {
    return execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], { encoding: "utf8" }).trim();
  } catch {
    throw new Error("Chromium is not installed (no 'chromium' on PATH): the page cannot be opened.");
  }
}

/*
 * Calls `use(page, url, report)` with the first argument of the command line as url, and prints
 * what it returns. `report()` gives the hosts and problems seen so far.
 */
async function withPage(use) {
  const url = process.argv[2].replace(/\/$/, "");
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: OPTIONS });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(15000);
    const hosts = new Set();
    const problems = [];
    page.on("request", (request) => {
      if (/^(https?|wss?):/.test(request.url())) hosts.add(new URL(request.url()).host);
    });
    page.on("websocket", (socket) => hosts.add(new URL(socket.url()).host));
    page.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure().errorText}`));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    const result = await use(page, url, () => ({ hosts: [...hosts], problems }));
    process.stdout.write(JSON.stringify(result) + "\n");
  } finally {
    await browser.close();
  }
}

module.exports = { withPage };
