// What happens on the page: the forms on one side, the events of the server on the other.
import { ChatClient, EventError } from "./client.js";
import * as view from "./view.js";
import { find } from "./view.js";

const STOPPED_WRITING_MS = 2500;
const FORGET_WRITER_MS = 5000;

const textField = find("text");
const page = {
  client: null,
  room: "",
  inRoom: false, // not while the connection is broken
  people: new Set(),
  seen: new Set(), // ids of the messages that are shown
  writers: new Map(), // name -> timer that forgets it
  writing: 0, // timer that ends our own writing
  unread: 0,
};
const title = document.title;

// Coming in, and going

find("welcome-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter ?? event.target.querySelector("button");
  const client = new ChatClient(find("name").value.trim());
  view.clearError("name");
  view.clearError("room");
  button.disabled = true;
  try {
    const accepted = await attempt("name", () => client.open());
    if (accepted) await attempt("room", () => enter(client, find("room").value));
  } finally {
    button.disabled = false;
    if (page.client !== client) client.close();
  }
});

find("leave").addEventListener("click", () => {
  page.client.close();
  goOut();
  find("name").focus();
});

async function enter(client, room) {
  const entered = await client.call("join", room);
  page.client = client;
  listen(client);
  show(entered);
  view.showConnection("online", "Connected");
  textField.focus();
}

function show(entered) {
  Object.assign(page, { room: entered.room, inRoom: true, people: new Set(entered.people), unread: 0 });
  page.seen = new Set(entered.messages.map((posted) => posted.id));
  page.writers.forEach(clearTimeout);
  page.writers.clear();
  history.replaceState(null, "", `#${encodeURIComponent(entered.room)}`);
  view.showTyping([]);
  view.showChat(entered, page.client.name);
  showTitle();
}

function goOut() {
  Object.assign(page, { client: null, room: "", inRoom: false, writing: 0 });
  document.title = title;
  closeSide();
  view.showWelcome();
}

// What the server says

function listen(client) {
  client.on("posted", (posted) => {
    if (posted.room !== page.room || page.seen.has(posted.id)) return;
    page.seen.add(posted.id);
    setWriting(posted.name, false);
    view.addMessage(posted, client.name);
    if (document.hidden) page.unread += 1;
    showTitle();
  });
  client.on("joined", ({ room, name }) => {
    if (room !== page.room || page.people.has(name)) return;
    page.people.add(name);
    view.showPeople([...page.people], client.name);
    view.addNote(`${name} joined`);
  });
  client.on("left", ({ room, name }) => {
    if (room !== page.room || name === client.name || !page.people.delete(name)) return;
    setWriting(name, false);
    view.showPeople([...page.people], client.name);
    view.addNote(`${name} left`);
  });
  client.on("typing", ({ room, name, active }) => {
    if (room === page.room) setWriting(name, active);
  });
  client.on("error", ({ error }) => view.showToast(new EventError(error)));
  client.watch({ back: () => comeBack(client), lost: loseConnection, refused: beSentOut });
}

async function comeBack(client) {
  try {
    show(await client.call("join", page.room));
    view.showConnection("online", "Connected");
  } catch (error) {
    client.close();
    beSentOut(error);
  }
}

function loseConnection() {
  page.inRoom = false;
  view.showConnection("waiting", "Reconnecting…");
}

function beSentOut(error) {
  goOut();
  view.showError("name", error);
}

// Writing

find("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = textField.value;
  if (!text.trim()) return;
  setText("");
  stopWriting();
  view.clearError("text");
  const sent = await attempt("text", () => page.client.call("post", { room: page.room, text }));
  if (!sent && !textField.value) setText(text);
});

textField.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("composer").requestSubmit();
});

textField.addEventListener("input", () => {
  setText(textField.value);
  view.clearError("text");
  if (!textField.value.trim()) return stopWriting();
  if (!page.writing) tellWriting(true);
  clearTimeout(page.writing);
  page.writing = setTimeout(stopWriting, STOPPED_WRITING_MS);
});

function stopWriting() {
  if (!page.writing) return;
  clearTimeout(page.writing);
  page.writing = 0;
  tellWriting(false);
}

function tellWriting(active) {
  if (page.inRoom) page.client.tell("typing", page.room, active);
}

function setText(text) {
  if (textField.value !== text) textField.value = text;
  textField.style.height = "auto";
  textField.style.height = `${textField.scrollHeight + 2}px`;
  view.showCount(text);
}

function setWriting(name, active) {
  clearTimeout(page.writers.get(name));
  if (active) page.writers.set(name, setTimeout(() => setWriting(name, false), FORGET_WRITER_MS));
  else page.writers.delete(name);
  view.showTyping([...page.writers.keys()]);
}

// Rooms, and the rest of the page

find("switch-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = find("other-room");
  const before = page.room;
  view.clearError("other-room");
  const changed = await attempt("other-room", async () => {
    stopWriting();
    const entered = await page.client.call("join", field.value);
    if (entered.room !== before) await page.client.call("leave", before);
    show(entered);
  });
  if (!changed) return;
  field.value = "";
  closeSide();
  textField.focus();
});

find("people-toggle").addEventListener("click", () => setSide(find("people-toggle").ariaExpanded !== "true"));
["name", "room", "other-room"].forEach((id) => find(id).addEventListener("input", () => view.clearError(id)));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  page.unread = 0;
  showTitle();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && find("side").classList.contains("open")) {
    closeSide();
    find("people-toggle").focus();
  }
});

if (location.hash.length > 1) find("room").value = readHash();

/** Run it; an EventError is shown at the field, and anything else is a bug that should be seen. */
async function attempt(field, run) {
  try {
    await run();
    return true;
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    view.showError(field, error);
    return false;
  }
}

function setSide(open) {
  find("side").classList.toggle("open", open);
  find("people-toggle").ariaExpanded = String(open);
}

function closeSide() {
  setSide(false);
}

function showTitle() {
  if (page.client) document.title = `${page.unread ? `(${page.unread}) ` : ""}#${page.room} · ${title}`;
}

function readHash() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "lobby";
  }
}
