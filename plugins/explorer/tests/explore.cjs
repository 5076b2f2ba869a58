"use strict";
/*
 * Somebody explores an application. The first argument is the server's address, the second a folder for screenshots, the
 * third the password where there is one. Prints what was seen.
 */
const fs = require("node:fs");
const path = require("node:path");
const { withPage } = require("../../../tests/node/browser.cjs");

const MARKUP = "<img src=x onerror=alert(1)>";
const DESK = { viewport: { width: 1200, height: 760 }, colorScheme: "light", permissions: ["clipboard-read", "clipboard-write"] };
const PHONE = { viewport: { width: 360, height: 720 }, colorScheme: "dark", isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const [, , , shots, password] = process.argv;

withPage(async (first, url, report) => {
  const browser = first.context().browser();
  const seen = { problems: [] };
  const desk = await openPage(browser, url, DESK, seen);
  if (password) {
    await desk.goto(`${url}/explorer/`);
    await desk.locator("#namespaces a").first().waitFor();
    await call(desk, "/", "hello", async (page) => field(page, "name").fill("Ada"));
    seen.hello = await answer(desk);
    return seen;
  }
  const phone = await openPage(browser, url, PHONE, seen);
  for (const story of [look, search, callForm, auth, validation, json, everything, bytes, stream, serverCalls, connections, log, changed, downloads]) {
    await story(desk, url, seen).catch((error) => { throw new Error(`${story.name}: ${error.message}`); });
  }
  await small(phone, url, seen);
  return { ...seen, overflow: [await overflow(desk), await overflow(phone)], problems: [...seen.problems, ...report().problems] };
});

/* -- the stories, in their order, on one page -- */

async function look(desk, url, seen) {
  await desk.goto(`${url}/explorer/`);
  await desk.locator("#namespaces a").first().waitFor();
  seen.title = await desk.title();
  seen.namespaces = await desk.locator("#namespaces h2 .label").allInnerTexts();
  seen.first = await desk.locator("#shown h2").innerText();
  seen.inline = await desk.evaluate(() => document.querySelectorAll("style, [style], script:not([src])").length);
  await shoot(desk, "start");
  await go(desk, "/nasty", "old");
  seen.deprecated = await desk.locator("#shown .notice").innerText();
  await desk.goto(`${url}/explorer/#/nasty/old?from=server`);
  await desk.locator("#shown .kicker", { hasText: "the server sends" }).waitFor();
  await go(desk, "/nasty", "fail");
  seen.errors = await desk.locator("#shown .errors code").allInnerTexts();
  seen.guards = await desk.locator("#shown .chip").allInnerTexts();
  await desk.goto(`${url}/explorer/#/nowhere/x`);
  seen.nowhere = await desk.locator("#notice").innerText();
  await go(desk, "/desk/talk", MARKUP);
  seen.markupTitle = await desk.locator("#shown h2").innerText();
  seen.markup = await desk.evaluate(() => document.querySelectorAll("main img, main article b b").length);
}

async function search(desk, url, seen) {
  await desk.locator("#shown h2").click();
  await desk.keyboard.press("/");
  seen.searchFocus = await desk.evaluate(() => document.activeElement.id);
  await desk.keyboard.type("twins");
  seen.found = await desk.locator("#namespaces li:visible .label").allInnerTexts();
  await desk.keyboard.press("Escape");
  await desk.keyboard.type("room_full");
  seen.foundByError = await desk.locator("#namespaces li:visible .label").allInnerTexts();
  await desk.keyboard.press("Escape");
  await desk.keyboard.type("nothing is like this");
  seen.foundNothing = await desk.locator("#no-events").innerText();
  await desk.keyboard.press("Escape");
  await desk.keyboard.type("nasty count");
  await desk.keyboard.press("ArrowDown");
  await desk.keyboard.press("ArrowDown");
  seen.arrow = await desk.evaluate(() => document.activeElement.querySelector(".label").textContent);
  seen.outline = await desk.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  await desk.keyboard.press("Enter");
  await desk.locator("#shown h2", { hasText: "count_slowly" }).waitFor();
  seen.address = new URL(desk.url()).hash;
  await desk.keyboard.press("ArrowUp");
  await desk.keyboard.press("ArrowUp");
  await desk.keyboard.press("ArrowUp");
  await desk.keyboard.press("Escape");
}

async function callForm(desk, url, seen) {
  await call(desk, "/", "hello", async (page) => {
    await field(page, "name").fill("Ada");
    await field(page, "times").fill("2");
    seen.included = await page.getByLabel("Send times").isChecked();
  });
  seen.hello = await answer(desk);
  seen.helloState = await desk.locator("#shown .answer .state").innerText();
  seen.helloTime = await desk.locator("#shown .answer .note").innerText();
  await call(desk, "/nasty", "none", async () => {});
  seen.void = await desk.locator("#shown .answer.good p").innerText();
  await call(desk, "/nasty", "fail", async (page) => field(page, "code").fill("room_full"));
  seen.failed = await desk.locator("#shown .answer.bad .state").innerText();
  seen.failedText = await desk.locator("#shown .answer.bad").innerText();
  await field(desk, "code").fill("as_i_wish");
  await desk.getByRole("button", { name: "Emit" }).click();
  await desk.locator("#shown .answer.bad .state", { hasText: "as_i_wish" }).waitFor();
  seen.emitted = await desk.locator("#shown .answer.bad p").first().innerText();
  seen.unnamed = await desk.evaluate(() => [...document.querySelectorAll("input, select, textarea, button")].filter((one) =>
    !one.labels?.length && !one.textContent && !one.getAttribute("aria-label") && !one.getAttribute("aria-labelledby") && !one.getAttribute("aria-hidden")).length);
  await call(desk, "/desk/talk", MARKUP, async () => {}, async (page) => {
    await page.locator("#shown h3", { hasText: "Connection" }).waitFor();
    await field(page, "name").fill("ada");
    await page.keyboard.press("Control+Enter");
    await page.locator("#shown h2", { hasText: MARKUP }).waitFor();
    await page.keyboard.press("Control+Enter");
  });
  seen.markupAnswer = await answer(desk);
  seen.markup += await desk.evaluate(() => document.querySelectorAll("main img").length);
}

async function auth(desk, url, seen) {
  await go(desk, "/desk/talk", "");
  await desk.getByRole("button", { name: "New connection" }).click();
  await field(desk, "name").fill("a");
  await desk.keyboard.press("Control+Enter");
  await desk.locator("#shown .field-error:visible").first().waitFor();
  seen.authProblem = await problemOf(desk, "name");
  await shoot(desk, "auth-invalid");
  await field(desk, "name").fill("mallory");
  await desk.keyboard.press("Control+Enter");
  await desk.locator("#shown .answer.bad .state", { hasText: "forbidden" }).waitFor();
  seen.refused = await desk.locator("#shown .state[data-state]").innerText();
  await desk.locator(".connection-chip", { hasText: "/desk/talk" }).last().locator(".remove").click();
}

async function validation(desk, url, seen) {
  await call(desk, "/desk/talk", "say", async (page) => {
    await field(page, "text").fill("x".repeat(41));
    await page.getByLabel("Send tags").check();
    for (let index = 0; index < 4; index += 1) await page.getByRole("button", { name: "Add an item" }).click();
  });
  await desk.locator("#shown .answer.bad").waitFor();
  seen.invalid = { room: await problemOf(desk, "room"), text: await problemOf(desk, "text"), tags: await problemOf(desk, "tags") };
  seen.focus = await desk.evaluate(() => document.activeElement.closest(".field").querySelector(".name").textContent);
  seen.described = await desk.evaluate(() => document.getElementById(document.activeElement.getAttribute("aria-describedby")).textContent);
  await shoot(desk, "invalid");
  await call(desk, "/nasty", "many", async (page) => {
    await field(page, "first").fill("not a number");
    await page.getByRole("button", { name: "Add an item" }).click();
    await page.getByRole("button", { name: "Add an item" }).click();
    await field(page, "0").fill("1.5");
    await field(page, "1").fill("neither");
  });
  await desk.locator("#shown .answer.bad").waitFor();
  seen.invalidMany = [await problemOf(desk, "first"), await problemOf(desk, "1")];
  await call(desk, "/nasty", "pets", async (page) => {
    await page.getByRole("button", { name: "Example" }).click();
    await page.locator("#shown .which").selectOption({ label: "dog" });
    await page.getByRole("button", { name: "JSON", exact: true }).click();
    await page.locator("#shown textarea.json").fill('[[{"kind": "cat", "lives": "many"}]]');
    await page.getByRole("button", { name: "Form", exact: true }).click();
  });
  await desk.locator("#shown .answer.bad").waitFor();
  seen.invalidPet = await problemOf(desk, "lives");
}

async function json(desk, url, seen) {
  await call(desk, "/nasty", "page", async (page) => {
    await page.getByRole("button", { name: "JSON", exact: true }).click();
    await page.locator("#shown textarea.json").fill("[{]");
  });
  seen.badJson = await desk.locator("#shown .request .field-error:visible").innerText();
  await desk.locator("#shown textarea.json").fill('[{"items": [{"x": 7, "label": "seven"}], "total": 1}]');
  await desk.keyboard.press("Control+Enter");
  seen.page = await answer(desk);
  await desk.getByRole("button", { name: "Form", exact: true }).click();
  seen.fromJson = await field(desk, "label").inputValue();
  await desk.getByRole("button", { name: "JSON", exact: true }).click();
  await desk.locator("#shown textarea.json").fill('["no page"]');
  await desk.getByRole("button", { name: "Form", exact: true }).click();
  seen.staysJson = await desk.locator("#shown .request .field-error:visible").innerText();
}

async function everything(desk, url, seen) {
  await call(desk, "/nasty", "everything", async (page) => page.getByRole("button", { name: "Example" }).click());
  seen.everything = await answer(desk);
  seen.unnamed += await desk.evaluate(() => [...document.querySelectorAll("#shown [aria-labelledby]")].filter((one) => !document.getElementById(one.getAttribute("aria-labelledby"))?.textContent).length);
  await shoot(desk, "everything");
  await desk.locator("#shown details.fold summary", { hasText: "Schema" }).click();
  seen.schema = JSON.parse(await desk.locator("#shown details.fold[open] pre").last().innerText());
  await call(desk, "/nasty", "__proto__", async () => {});
  seen.proto = await answer(desk);
}

async function bytes(desk, url, seen) {
  const sent = [0, 255, 1, 254];
  await call(desk, "/nasty", "bytes", async (page) => {
    await field(page, "name").fill("blob");
    await labelled(page, "content").locator("select").selectOption("file");
    await labelled(page, "content").locator("input[type=file]").setInputFiles({ name: "blob.bin", mimeType: "application/octet-stream", buffer: Buffer.from(sent) });
    await labelled(page, "more").locator("select").selectOption("base64");
    await labelled(page, "more").locator("textarea").fill("AAE=");
  });
  seen.bytes = await answer(desk);
  await labelled(desk, "more").locator("textarea").fill("no base64!");
  await desk.keyboard.press("Control+Enter");
  await desk.locator("#shown .answer .state", { hasText: "Not sent" }).waitFor();
  seen.badBytes = await problemOf(desk, "more");
  await labelled(desk, "more").locator("select").selectOption("text");
  await labelled(desk, "more").locator("textarea").fill("é");
  await desk.keyboard.press("Control+Enter");
  seen.textBytes = await answer(desk);
}

async function stream(desk, url, seen) {
  const note = desk.locator("#shown .answer.stream .note");
  const state = (text) => desk.locator("#shown .answer.stream .state", { hasText: text }).first().waitFor();
  await call(desk, "/desk/talk", "tick", async () => {});
  await desk.locator("#shown .chunks li").first().waitFor();
  await desk.getByRole("button", { name: "Pause" }).click();
  await state("paused");
  await desk.locator("#shown .answer.stream .note", { hasText: "16 not acknowledged" }).waitFor();
  seen.pausedAt = parseInt((await note.innerText()).replace(/,/g, ""), 10);
  await shoot(desk, "stream");
  await desk.getByRole("button", { name: "Go on" }).click();
  await waitForChunks(desk, seen.pausedAt + 20);
  await desk.getByRole("button", { name: "Cancel" }).click();
  await state("cancelled");
  seen.chunks = (await desk.locator("#shown .chunks code").allInnerTexts()).map(Number);
  await call(desk, "/nasty", "count", async (page) => field(page, "to").fill("3"));
  await state("ended");
  seen.counted = (await desk.locator("#shown .chunks code").allInnerTexts()).map((text) => JSON.parse(text).x);
  await call(desk, "/nasty", "break", async (page) => field(page, "after").fill("2"));
  await state("failed");
  seen.broken = await desk.locator("#shown .answer.stream .answer .state").innerText();
}

async function serverCalls(desk, url, seen) {
  await call(desk, "/nasty", "make", async (page) => field(page, "what").fill("events"));
  await desk.locator("#shown .answer.good").waitFor();
  await desk.waitForFunction(() => [...document.querySelectorAll("#namespaces .counter")].filter((one) => one.textContent === "1").length === 8);
  await go(desk, "/nasty", "got_bytes");
  seen.received = await desk.locator("#shown .received code").innerText();
  await call(desk, "/nasty", "make", async (page) => field(page, "what").fill("pick"));
  await desk.locator("#waiting", { hasText: "1 call waits" }).click();
  await desk.locator("#shown .answer.warn select").selectOption({ label: '"green"' });
  await shoot(desk, "call");
  await desk.getByRole("button", { name: "Answer", exact: true }).click();
  await desk.locator("#waiting").waitFor({ state: "hidden" });
  await go(desk, "/nasty", "make");
  seen.picked = await answer(desk);
  await field(desk, "what").fill("confirm");
  await desk.keyboard.press("Control+Enter");
  await desk.locator("#waiting").click();
  seen.asked = JSON.parse(await desk.locator("#shown .answer.warn pre").innerText());
  await field(desk, "answer").check();
  await desk.keyboard.press("Control+Enter");
  await go(desk, "/nasty", "make");
  await desk.locator("#shown .answer.good pre", { hasText: "true" }).waitFor();
}

async function connections(desk, url, seen) {
  await go(desk, "/desk/talk", "");
  await desk.getByRole("button", { name: "New connection" }).click();
  await field(desk, "name").fill("bob");
  await desk.keyboard.press("Control+Enter");
  await desk.locator("#shown .state[data-state=live]").waitFor();
  seen.connected = await desk.locator(".connection-chip[data-state=live]").count();
  const chips = desk.locator(".connection-chip", { hasText: "/desk/talk" });
  await call(desk, "/desk/talk", "say", async (page) => {
    await page.getByRole("button", { name: "JSON", exact: true }).click();
    await page.locator("#shown textarea.json").fill('[{"room": "r", "text": "hi"}]');
  });
  seen.said = await answer(desk);
  await desk.locator("#namespaces a", { hasText: "said" }).locator(".counter", { hasText: "2" }).waitFor();
  await go(desk, "/desk/talk", "said");
  seen.heard = [await desk.locator("#shown .facts .bar .muted").innerText()];
  await chips.first().getByRole("button").first().click();
  await desk.waitForFunction((text) => document.querySelector("#shown .facts .bar .muted").textContent !== text, seen.heard[0]);
  seen.heard.push(await desk.locator("#shown .facts .bar .muted").innerText());
  await shoot(desk, "connections");
  await chips.last().locator(".remove").click();
  await desk.waitForFunction(() => document.querySelectorAll(".connection-chip").length === 3);
  seen.afterClose = await desk.locator(".connection-chip[data-state=live]").count();
}

async function log(desk, url, seen) {
  await desk.locator("#shown h2").click();
  await desk.keyboard.press("l");
  await desk.keyboard.type("room_full");
  await desk.locator("#log li", { hasText: "fail" }).first().waitFor();
  await desk.waitForFunction(() => document.querySelectorAll("#log li").length === 2);
  seen.logFiltered = await desk.locator("#log .what b").allInnerTexts();
  await desk.locator("#log li", { hasText: "fail" }).locator("summary").first().click();
  await desk.locator("#log .tools button", { hasText: "Copy" }).click();
  await desk.locator("#log .tools button", { hasText: "Copied" }).waitFor();
  seen.copied = JSON.parse(await desk.evaluate(() => navigator.clipboard.readText())).at(-1);
  await shoot(desk, "log");
  await desk.locator("#log input").fill("");
  await call(desk, "/desk/talk", "tick", async () => {});
  await waitForChunks(desk, 1100);
  await desk.getByRole("button", { name: "Cancel" }).click();
  await desk.locator("#shown .answer.stream .state", { hasText: "cancelled" }).waitFor();
  await desk.locator("#log .note", { hasText: "the last 1,000" }).waitFor();
  seen.logRows = await desk.locator("#log li").count();
  await desk.locator("#log .tools button", { hasText: "Clear" }).click();
  seen.cleared = await desk.locator("#log .empty").innerText();
}

async function changed(desk, url, seen) {
  await go(desk, "/desk/talk", "");
  await desk.getByRole("button", { name: "Disconnect" }).click();
  await desk.locator("#shown .state[data-state=idle]").waitFor();
  await desk.route("**/page.json", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.text()).replace("Counts for ever.", "Counts.") });
  });
  await desk.keyboard.press("Control+Enter");
  seen.changed = await desk.locator("#notice", { hasText: "changed" }).innerText();
  await desk.unroute("**/page.json");
}

async function downloads(desk, url, seen) {
  await desk.locator("#downloads summary").click();
  seen.downloads = {};
  for (const name of await desk.locator("#downloads a").allInnerTexts()) {
    const [download] = await Promise.all([desk.waitForEvent("download"), desk.locator("#downloads a", { hasText: new RegExp(`^${name}$`) }).click()]);
    seen.downloads[name] = [download.suggestedFilename(), fs.readFileSync(await download.path(), "utf8").length > 100];
  }
  await desk.keyboard.press("Escape");
  await desk.emulateMedia({ colorScheme: "dark" });
  await go(desk, "/desk/talk", "say");
  await shoot(desk, "dark");
}

async function small(phone, url, seen) {
  await phone.goto(`${url}/explorer/`);
  await phone.locator("#namespaces a").first().waitFor();
  await shoot(phone, "phone-list");
  await phone.locator("#namespaces a", { hasText: "keywords" }).click();
  await phone.locator("#shown h2", { hasText: "keywords" }).waitFor();
  seen.phoneView = await phone.locator("[role=tab][aria-selected=true]").innerText();
  await phone.getByRole("button", { name: "Example" }).click();
  await phone.getByRole("button", { name: "Call", exact: true }).click();
  seen.phone = await answer(phone);
  seen.overflowOfEvent = await overflow(phone);
  await shoot(phone, "phone-event");
  await phone.getByRole("tab", { name: "Log" }).click();
  await phone.locator("#log li summary").first().click();
  await shoot(phone, "phone-log");
  await phone.emulateMedia({ colorScheme: "light" });
  await phone.goto(`${url}/explorer/#/desk/talk/`);
  await phone.locator("#shown h2", { hasText: "/desk/talk" }).waitFor();
  await phone.locator("#shown").getByRole("button", { name: "Connect" }).click();
  await shoot(phone, "phone-connect");
}

/* -- what people do -- */

async function go(page, namespace, event) {
  const place = namespace === "/" ? "" : namespace;
  await page.evaluate((hash) => { location.hash = hash; }, `#${place}/${encodeURIComponent(event)}`);
  await page.locator("#shown h2", { hasText: event || namespace }).waitFor();
}

/* Goes to an event, fills the form with `fill`, and sends it. */
async function call(page, namespace, event, fill, then = async () => {}) {
  await go(page, namespace, event);
  await fill(page);
  await page.keyboard.press("Control+Enter");
  await then(page);
}

const labelled = (page, name) => page.locator("#shown .field", { has: page.locator(`> .field-head > .name:text-is("${name}")`) });

const field = (page, name) => labelled(page, name).locator("> .control").locator("input, textarea").first();

const problemOf = (page, name) => labelled(page, name).locator("> .field-error").innerText();

async function waitForChunks(page, count) {
  const enough = (most) => parseInt(document.querySelector(".answer.stream .note")?.textContent.replace(/,/g, ""), 10) > most;
  await page.waitForFunction(enough, count, { timeout: 60000 });
}

/* Returns the value of the latest ack, as soon as it is there. */
async function answer(page) {
  await page.locator("#shown .answer.good pre").first().waitFor();
  return JSON.parse(await page.locator("#shown .answer.good pre").first().innerText());
}

/* -- pages -- */

async function openPage(browser, url, options, seen) {
  const credentials = password ? { httpCredentials: { username: "me", password } } : {};
  const context = await browser.newContext({ ...options, ...credentials, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on("pageerror", (error) => seen.problems.push(String(error.stack)));
  page.on("dialog", (dialog) => { seen.problems.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) seen.problems.push(message.text()); });
  page.on("websocket", (socket) => { if (new URL(socket.url()).host !== new URL(url).host) seen.problems.push(`elsewhere: ${socket.url()}`); });
  await context.route((target) => target.host !== new URL(url).host, (route) => {
    seen.problems.push(`elsewhere: ${route.request().url()}`);
    route.abort();
  });
  return page;
}

async function overflow(page) {
  return page.evaluate(() => Math.max(document.documentElement.scrollWidth - window.innerWidth,
    ...[...document.querySelectorAll(".scroll, .bar, .request, .answer")].map((one) => one.scrollWidth - one.clientWidth)));
}

async function shoot(page, name) {
  if (!shots) return;
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((run) => run.finished)));
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
}
