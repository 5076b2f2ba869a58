"use strict";
/*
 * An operator uses the dashboard while people use the application. The first argument is the server's address, the second
 * a folder for screenshots, the third the password, or nothing in debug. Prints what the operator saw.
 */
const path = require("node:path");
const { io } = require("socket.io-client");
const { withPage } = require("../../../tests/node/browser.cjs");

const MARKUP = "<img src=x onerror=alert(1)>";
const DESK = { viewport: { width: 1200, height: 760 }, colorScheme: "light" };
const PHONE = { viewport: { width: 360, height: 720 }, colorScheme: "dark", isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const [, , , shots, password, story] = process.argv;

withPage(async (first, url, report) => {
  const browser = first.context().browser();
  const problems = [];
  const people = [];
  try {
    const desk = await openPage(browser, url, DESK, problems);
    const phone = await openPage(browser, url, PHONE, problems);
    const tell = story === "expiry" ? expiry : password ? production : debug;
    const seen = await tell(desk, phone, url, people);
    return { ...seen, overflow: [await overflow(desk), await overflow(phone)], problems: [...problems, ...report().problems] };
  } finally {
    for (const person of people) person.disconnect();
  }
});

/* -- the stories -- */

async function expiry(desk, phone, url) {
  await desk.goto(`${url}/admin/`);
  if (password === "none") {
    await desk.locator("#connection[data-state=live]").waitFor();
    await desk.evaluate(() => new Promise((resolve) => socket.once("disconnect", () => socket.once("connect", resolve))));
    await desk.locator("#connection[data-state=live]").waitFor();
    return { end: "live again" };
  }
  await logIn(desk, password);
  await desk.locator("#process").waitFor();
  await desk.locator("#password").waitFor();
  return { end: "the form" };
}

async function production(desk, phone, url, people) {
  const seen = {};
  await desk.goto(`${url}/admin/`);
  await shoot(desk, "login");
  await logIn(desk, "a guess");
  seen.problem = await desk.locator("#problem").innerText();
  await shoot(desk, "login-wrong");
  await logIn(desk, password);
  await desk.locator("#connection[data-state=live]").waitFor();
  await phone.goto(`${url}/admin/`);
  await shoot(phone, "login-phone");
  await logIn(phone, password);
  await phone.locator("#connection[data-state=live]").waitFor();
  const ada = await connect(url, "/shop", people);
  await ada.emitWithAck("look", "lamp");
  await desk.locator("#log-list b", { hasText: "look" }).first().waitFor();
  await desk.locator(`#client-table .sid[title="${ada.id}"]`).click();
  const bob = await connect(url, "/shop", people);
  await desk.locator("#clients-note", { hasText: "1, 1 of 2 listed" }).waitFor();
  seen.mode = await desk.locator("#mode").innerText();
  seen.readonly = await desk.locator("#client-readonly").isVisible();
  seen.actions = await desk.locator("#client-actions").isVisible();
  seen.compose = await desk.locator("#compose").isVisible();
  await shoot(desk, "client-readonly");
  seen.refused = await desk.evaluate(async (sid) => {
    const answers = [];
    const ask = async (event, payload) => answers.push((await socket.emitWithAck(event, payload)).error.code);
    await ask("emit", { namespace: "/shop", event: "x", args: [] });
    await ask("join", { namespace: "/shop", sid, room: "r" });
    await ask("leave", { namespace: "/shop", sid, room: "r" });
    await ask("disconnect client", { namespace: "/shop", sid });
    return answers;
  }, ada.id);
  seen.stillThere = ada.connected;
  await desk.keyboard.press("Escape");
  await desk.locator("#client-filter").fill(bob.id);
  await desk.locator(`#client-table .sid[title="${bob.id}"]`).waitFor();
  seen.foundUnlisted = true;
  await desk.getByRole("button", { name: "Log out" }).click();
  await desk.locator("#password").waitFor();
  seen.loggedOut = true;
  return seen;
}

async function debug(desk, phone, url, people) {
  const seen = {};
  await desk.goto(`${url}/admin/`);
  await phone.goto(`${url}/admin/`);
  await desk.locator("#connection[data-state=live]").waitFor();
  await phone.locator("#connection[data-state=live]").waitFor();
  await shoot(desk, "empty");
  seen.empty = await desk.locator("#clients-empty").innerText();
  const ada = await connect(url, "/shop", people, { extraHeaders: { "User-Agent": MARKUP } });
  const bob = await connect(url, "/shop", people, { transports: ["polling"] });
  await connect(url, "/desk", people).then((desk) => desk.emitWithAck("ring"));
  await ada.emitWithAck("enter", MARKUP);
  await ada.emitWithAck("enter", "vases");
  await bob.emitWithAck("enter", "vases");
  for (const thing of ["lamp", "vase", "a very long chair"]) await bob.emitWithAck("look", thing);
  await ada.emitWithAck("buy", "lamp");
  await ada.emitWithAck("break");
  await ada.emitWithAck(MARKUP);
  await ada.emitWithAck("nobody serves this <b>");
  await ada.emitWithAck("look", "a secret thing");
  await desk.locator("#log-list .line.event", { hasText: "not served" }).waitFor();
  await desk.locator("#room-list .name", { hasText: MARKUP }).waitFor();
  await waitForCount(desk, "look", "4");
  await crowd(url, people);
  await desk.locator("#n-clients", { hasText: /^43$/ }).waitFor();
  await shoot(desk, "traffic");
  seen.codes = (await desk.locator("#log-list .code").allInnerTexts()).filter(Boolean).sort();
  seen.rooms = await desk.locator("#room-list .name").allInnerTexts();
  seen.payloads = await desk.evaluate(() => document.body.innerText.includes("secret"));
  seen.events = await desk.locator("#event-table b").allInnerTexts();
  seen.markup = await desk.evaluate(() => document.querySelectorAll("main img, main b b, dialog img").length);

  await desk.keyboard.press("/");
  seen.focus = await desk.evaluate(() => document.activeElement.id);
  await desk.keyboard.type(ada.id.slice(0, 12));
  await desk.waitForFunction(() => document.querySelectorAll("#client-table tbody tr").length === 1);
  await desk.keyboard.press("Tab");
  await desk.locator(`#client-table .sid[title="${ada.id}"]`).focus();
  await desk.keyboard.press("Enter");
  await desk.locator("#client[open]").waitFor();
  seen.facts = Object.fromEntries(await desk.locator("#client-facts > div").evaluateAll((rows) => rows.map((row) => [row.children[0].innerText, row.children[1].innerText])));
  await shoot(desk, "client");

  await desk.locator("#join-room").fill("new room");
  await desk.keyboard.press("Enter");
  await desk.locator("#client-result", { hasText: "It is in new room." }).waitFor();
  await desk.locator("#client-rooms .chip", { hasText: "new room" }).getByRole("button").click();
  await desk.locator("#client-result", { hasText: "It is no longer in new room." }).waitFor();
  await desk.waitForFunction(() => !document.querySelector("#client-rooms").innerText.includes("new room"));
  await desk.locator("#client-send").click();
  await desk.locator("#send-event").fill("notice");
  await desk.locator("#send-args").fill("no json");
  const notice = new Promise((resolve) => ada.once("notice", (...args) => resolve(args)));
  await desk.getByRole("button", { name: "Send", exact: true }).click();
  seen.badJson = await desk.locator("#send-result").innerText();
  await desk.locator("#send-args").fill('["hello", 2]');
  await desk.getByRole("button", { name: "Send", exact: true }).click();
  seen.notice = await notice;
  await desk.locator("#send-result", { hasText: "Sent to 1 client" }).waitFor();
  await shoot(desk, "send");
  await desk.keyboard.press("Escape");
  const gone = new Promise((resolve) => ada.once("disconnect", resolve));
  await desk.locator(`#client-table .sid[title="${ada.id}"]`).click();
  await desk.locator("#client-disconnect").click();
  seen.asked = await desk.locator("#client-disconnect").innerText();
  await desk.locator("#client-disconnect").click();
  seen.gone = await gone;
  await desk.locator("#client-gone").waitFor();
  await desk.keyboard.press("Escape");
  await desk.locator("#client-filter").fill("");
  await desk.locator("#log-list .line.action", { hasText: "disconnected 1" }).waitFor();

  await shoot(phone, "clients-phone");
  await phone.getByRole("tab", { name: "Log" }).click();
  await phone.locator("#log-list .line").first().waitFor();
  await shoot(phone, "log-phone");
  await phone.getByRole("tab", { name: "Events" }).click();
  await shoot(phone, "events-phone");
  await phone.getByRole("tab", { name: "Rooms" }).click();
  await phone.locator("#room-list .name").first().waitFor();
  await shoot(phone, "rooms-phone");
  await phone.locator("#room-list button", { hasText: "vases" }).click();
  await phone.waitForFunction(() => document.querySelectorAll("#client-table tbody tr").length === 1);
  await phone.locator("#client-table .sid").click();
  await phone.locator("#client[open]").waitFor();
  await shoot(phone, "client-phone");
  await phone.keyboard.press("Escape");
  await desk.emulateMedia({ colorScheme: "dark" });
  await shoot(desk, "traffic-dark");
  await phone.emulateMedia({ colorScheme: "light" });
  await shoot(phone, "clients-phone-light");

  const lines = () => desk.locator("#log-list .line").count();
  await desk.locator("#pause").click();
  const before = await lines();
  const sent = Number(await desk.locator("#n-emits").innerText());
  await bob.emitWithAck("look", "clock");
  await desk.waitForFunction((number) => Number(document.querySelector("#n-emits").textContent) > number, sent);
  seen.heldWhilePaused = (await lines()) === before;
  await desk.keyboard.press("p");
  seen.pausedByKey = await desk.locator("#pause").getAttribute("aria-pressed");
  await desk.waitForFunction((number) => document.querySelectorAll("#log-list .line").length > number, before);
  return seen;
}

/* -- people -- */

function connect(url, namespace, people, options = {}) {
  return new Promise((resolve, reject) => {
    const person = io(url + namespace, { forceNew: true, transports: ["websocket"], ...options });
    people.push(person);
    person.once("connect", () => resolve(person));
    person.once("connect_error", reject);
  });
}

async function crowd(url, people) {
  await Promise.all(Array.from({ length: 40 }, async (_, number) => {
    const person = await connect(url, "/shop", people);
    await person.emitWithAck("enter", `table ${number % 7}`);
    await person.emitWithAck("look", "menu");
  }));
}

/* -- pages -- */

async function openPage(browser, url, options, problems) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("dialog", (dialog) => { problems.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.route((target) => target.host !== new URL(url).host, (route) => {
    problems.push(`elsewhere: ${route.request().url()}`);
    route.abort();
  });
  page.on("console", (message) => {
    const wanted = /status of 40[13]/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !wanted) problems.push(message.text());
  });
  return page;
}

async function logIn(page, words) {
  await page.locator("#password").fill(words);
  await page.locator("#password").press("Enter");
  await page.waitForLoadState();
}

async function waitForCount(page, event, times) {
  await page.locator("#event-table tr", { has: page.locator("b", { hasText: new RegExp(`^${event}$`) }) })
    .locator("td.number").first().filter({ hasText: new RegExp(`^${times}$`) }).waitFor();
}

async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

async function shoot(page, name) {
  if (!shots) return;
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((run) => run.finished)));
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}
