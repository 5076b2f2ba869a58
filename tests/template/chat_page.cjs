"use strict";
/*
 * Two people, one at a desk and one with a phone, use the page of the generated application. Prints what each of
 * them saw; screenshots go to the folder that is the second argument.
 */
const net = require("node:net");
const path = require("node:path");
const { withPage } = require("../node/browser.cjs");

const DESK = { viewport: { width: 1200, height: 760 }, colorScheme: "light" };
const PHONE = { viewport: { width: 360, height: 720 }, colorScheme: "dark", isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const shots = process.argv[3];

withPage(async (first, url, report) => {
  const browser = first.context().browser();
  const problems = [];
  const lost = await breakable(url);
  const ada = await openPage(browser, lost.url, DESK, problems);
  const bob = await openPage(browser, url, PHONE, problems);
  await ada.goto(lost.url);
  await bob.goto(url);
  const seen = {};

  await shoot(ada, "welcome");
  await join(bob, "b".repeat(25));
  seen.longName = await readError(bob, "name");
  await join(ada, "Ada", "keyboard");
  await ada.locator("#chat").waitFor();
  seen.focusAfterJoining = await ada.evaluate(() => document.activeElement.id);
  await shoot(ada, "empty");
  await join(bob, "ada");
  seen.takenName = await readError(bob, "name");
  await shoot(bob, "taken");
  await join(bob, "Bob");
  await bob.locator("#chat").waitFor();
  await ada.getByText("Bob joined").waitFor();
  seen.peopleAtDesk = await ada.locator("#people .who").allInnerTexts();
  seen.peopleOnPhone = await bob.locator("#people .who").allTextContents();

  await say(ada, "Hello! Is anybody here?");
  await heard(bob, "Hello! Is anybody here?");
  await say(bob, "Me, on my phone.");
  await heard(ada, "Me, on my phone.");
  await say(ada, `${"word".repeat(100)}<b>not bold</b>`);
  await heard(bob, `${"word".repeat(100)}<b>not bold</b>`);
  await bob.locator("#text").pressSequentially("I am");
  await ada.getByText("Bob is writing").waitFor();
  seen.markup = await bob.locator(".text b").count();
  seen.messages = await readMessages(bob);
  await shoot(ada, "chat");
  await shoot(bob, "chat-phone");
  await bob.locator("#people-toggle").click();
  await bob.locator("#people").waitFor();
  await shoot(bob, "people-phone");
  await bob.keyboard.press("Escape");
  seen.sheetClosed = await bob.locator("#people").isHidden();

  await say(ada, "y".repeat(520));
  seen.longText = await readError(ada, "text");
  seen.textKept = (await ada.locator("#text").inputValue()).length;
  await say(bob, "y".repeat(520));
  await readError(bob, "text");
  await shoot(ada, "too-long");
  await shoot(bob, "too-long-phone");
  seen.overflow = [await overflow(ada), await overflow(bob)];
  await ada.locator("#text").fill("");

  lost.start();
  await ada.locator("#connection[data-state=waiting]").waitFor();
  await shoot(ada, "reconnecting");
  await ada.locator("#text").fill("Can you hear me?");
  await ada.locator("#text").press("Enter");
  seen.offline = await readError(ada, "text");
  await say(bob, "Where is Ada?");
  await heard(bob, "Where is Ada?");
  lost.end();
  await ada.locator("#connection[data-state=online]").waitFor();
  await heard(ada, "Where is Ada?");
  await ada.locator("#text").press("Enter");
  await heard(bob, "Can you hear me?");
  seen.peopleAfterReconnect = (await bob.locator("#people .who").allTextContents()).sort();

  await ada.locator("#other-room").fill("r".repeat(33));
  await ada.locator("#other-room").press("Enter");
  seen.longRoom = await readError(ada, "other-room");
  await ada.locator("#other-room").fill("Garden");
  await ada.locator("#other-room").press("Enter");
  await bob.getByText("Ada left").last().waitFor();
  await ada.locator("#room-name", { hasText: "garden" }).waitFor();
  seen.roomAfterSwitch = await ada.locator("#room-name").innerText();
  seen.messagesInNewRoom = await readMessages(ada);
  await shoot(ada, "other-room");
  await ada.locator("#leave").click();
  await ada.locator("#welcome").waitFor();
  seen.toasts = [await ada.locator("#toast").isVisible(), await bob.locator("#toast").isVisible()];
  return { ...seen, problems: [...problems, ...report().problems] };
});

async function openPage(browser, url, options, problems) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(url)) problems.push(request.url()); });
  page.on("console", (message) => {
    const wanted = /ERR_(CONNECTION_|EMPTY_RESPONSE|SOCKET_)/.test(message.text()); // while it is cut off
    if (["error", "warning"].includes(message.type()) && !wanted) problems.push(message.text());
  });
  return page;
}

/* A way to the server that can be cut: between start() and end() the page reaches nothing, while the server still
 * believes in the connections that it had. */
async function breakable(url) {
  const { hostname, port } = new URL(url);
  const open = new Map(); // the page's side -> the server's
  let down = false;
  const way = net.createServer((near) => {
    near.on("error", () => {});
    if (down) return void near.resetAndDestroy();
    const far = net.connect(Number(port), hostname);
    open.set(near, far);
    near.pipe(far, { end: false });
    far.pipe(near);
    far.on("error", () => near.destroy());
    near.on("close", () => { if (open.delete(near)) far.destroy(); });
  });
  way.unref(); // this process ends when it has no more to do
  await new Promise((resolve) => { way.listen(0, hostname, resolve); });
  return {
    url: `http://${hostname}:${way.address().port}`,
    start() {
      down = true;
      for (const [near, far] of open) {
        open.delete(near);
        far.unpipe(near);
        near.unpipe(far);
        far.resume().unref();
        near.resetAndDestroy();
      }
    },
    end() { down = false; },
  };
}

async function join(page, name, by) {
  await page.locator("#name").fill(name);
  if (by === "keyboard") await page.locator("#name").press("Enter");
  else await page.getByRole("button", { name: "Join the room" }).click();
}

async function say(page, text) {
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
}

async function heard(page, text) {
  await page.locator(".text", { hasText: text }).last().waitFor();
}

async function readMessages(page) {
  return page.locator(".message").evaluateAll((items) => items.map((item) => [item.querySelector("strong").textContent, item.querySelector(".text").textContent]));
}

async function readError(page, field) {
  const place = page.locator(`#${field}-error`);
  await place.waitFor();
  const input = page.locator(`#${field}`);
  return {
    code: await place.locator("code").innerText(),
    words: await place.locator("span").allInnerTexts(),
    invalid: await input.getAttribute("aria-invalid"),
    focused: await input.evaluate((element) => document.activeElement === element),
  };
}

async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

async function shoot(page, name) {
  if (!shots) return;
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((run) => run.effect.getTiming().iterations === 1).map((run) => run.finished)));
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}
