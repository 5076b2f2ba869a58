"use strict";
/* The dashboard. Whatever comes from clients is shown as text, never as markup. */

const MAX_ROWS = 200;
const MAX_LINES = 500;
const SPARK_POINTS = 60;
const PLACES = 60;

const { namespace, socketio, ticket } = document.body.dataset;
const $ = (id) => document.getElementById(id);
const keyOf = (client) => `${client.namespace} ${client.sid}`;

const state = {
  number: null,
  actions: false,
  clients: new Map(),
  found: new Map(), // by the server, among those that are not listed
  rooms: [],
  namespaces: [],
  events: [],
  counters: new Map(),
  entries: [],
  totals: null,
  skipped: 0,
  rate: [],
  scope: { namespace: "", room: "" },
  sort: { by: "connected_at", down: true },
  paused: false,
  open: null,
  skew: 0,
};

/* -- small things -- */

function el(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* Puts `items` into `parent` in their order, and keeps the elements that were there for the same keys. */
function keep(parent, items, keyOfItem, make, update) {
  const known = parent.kept ?? new Map();
  const next = new Map();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOfItem(item);
    const element = known.get(key) ?? make(item);
    next.set(key, element);
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const [key, element] of known) if (!next.has(key)) element.remove();
  parent.kept = next;
}

const count = (value) => value.toLocaleString("en");

function perSecond(value) {
  return value === 0 ? "0" : value < 10 ? value.toFixed(1) : count(Math.round(value));
}

function milliseconds(value) {
  if (value === null || value === undefined) return "";
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

function bytes(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`;
  return value >= 1000 ? `${(value / 1000).toFixed(1)} kB` : `${value} B`;
}

function since(at) {
  const seconds = Math.max(0, Math.floor(Date.now() / 1000 + state.skew - at));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d`;
}

function clock(at) {
  const date = new Date(at * 1000);
  const two = (value) => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${Math.floor(date.getMilliseconds() / 100)}`;
}

const short = (sid) => sid.slice(0, 6);

/* -- the connection -- */

const socket = io(location.origin + namespace, {
  path: socketio,
  forceNew: true,
  autoConnect: false,
  auth: async (give) => give({ ticket: await getTicket() }),
});

async function getTicket() {
  try {
    const answer = await fetch(ticket, { method: "POST", headers: { Accept: "application/json" } });
    if (answer.ok) return (await answer.json()).ticket;
    if (answer.status === 401) location.reload();
  } catch {
    /* The server is away; the connect fails and is tried again. */
  }
  return "";
}

function showConnection(name, words) {
  const place = $("connection");
  place.dataset.state = name;
  setText(place, words);
}

async function watch() {
  state.number = null;
  const snapshot = await socket.timeout(10000).emitWithAck("watch").catch(() => null);
  if (snapshot === null || snapshot.error) {
    if (socket.connected) setTimeout(watch, 2000);
    return;
  }
  takeSnapshot(snapshot);
}

socket.on("connect", () => {
  showConnection("live", "Live");
  watch();
});
socket.on("disconnect", (reason) => {
  showConnection("waiting", "Reconnecting");
  if (reason === "io server disconnect") socket.connect();
});
socket.on("connect_error", () => {
  showConnection("waiting", "Reconnecting");
  if (!socket.active) setTimeout(() => socket.connect(), 2000);
});
socket.on("batch", (batch) => {
  if (state.number === null) return;
  if (batch.number === state.number + 1) takeBatch(batch);
  else if (batch.number > state.number) watch();
});

/* -- what comes -- */

function takeSnapshot(snapshot) {
  state.number = snapshot.number;
  state.actions = snapshot.actions;
  state.skew = snapshot.at - Date.now() / 1000;
  state.clients = new Map(snapshot.clients.map((client) => [keyOf(client), client]));
  state.rooms = snapshot.rooms;
  state.namespaces = snapshot.namespaces;
  state.events = snapshot.events;
  state.counters = new Map(snapshot.counters.map((counter) => [`${counter.namespace} ${counter.event}`, counter]));
  state.entries = snapshot.entries.slice(-MAX_LINES).reverse();
  state.totals = snapshot.totals;
  state.at = snapshot.at;
  state.rate = [];
  state.skipped = 0;
  setText($("process"), snapshot.process);
  setText($("mode"), state.actions ? "may act" : "only shows");
  $("mode").dataset.mode = state.actions ? "acts" : "shows";
  $("compose").hidden = !state.actions;
  $("log-list").replaceChildren();
  $("log-list").kept = undefined;
  render();
}

function takeBatch(batch) {
  const seconds = Math.max(0.05, batch.at - state.at);
  const came = batch.totals.events - state.totals.events;
  state.number = batch.number;
  state.at = batch.at;
  state.totals = batch.totals;
  state.skipped += batch.skipped;
  state.rate.push({ at: batch.at, rate: came / seconds });
  state.rate = state.rate.filter((point) => point.at > batch.at - SPARK_POINTS);
  for (const client of batch.changed) state.clients.set(keyOf(client), client);
  for (const [path, sid] of batch.gone) state.clients.delete(`${path} ${sid}`);
  for (const counter of batch.counters) state.counters.set(`${counter.namespace} ${counter.event}`, counter);
  if (batch.rooms !== null) state.rooms = batch.rooms;
  if (batch.namespaces !== null) state.namespaces = batch.namespaces;
  state.entries = [...batch.entries.reverse(), ...state.entries].slice(0, MAX_LINES);
  render();
}

/* -- what is shown -- */

let waiting = false;
function render() {
  if (waiting || state.totals === null) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    renderTiles();
    if (state.paused) return;
    renderPlaces();
    renderClients();
    renderEvents();
    renderLog();
    renderOpenClient();
  });
}

function renderTiles() {
  const { totals, rate } = state;
  const recent = rate.slice(-4);
  const mean = recent.length ? recent.reduce((sum, point) => sum + point.rate, 0) / recent.length : 0;
  setText($("n-clients"), count(totals.clients));
  setText($("n-connections"), `${count(totals.connections)} ${totals.connections === 1 ? "connection" : "connections"}`);
  setText($("n-rooms"), count(totals.rooms));
  setText($("n-events"), perSecond(mean));
  setText($("n-failed"), count(totals.failed));
  $("n-failed").classList.toggle("bad", totals.failed > 0);
  setText($("n-failed-share"), totals.events ? `of ${count(totals.events)}` : "");
  setText($("n-p95"), totals.p95_ms === null ? "-" : milliseconds(totals.p95_ms));
  setText($("n-emits"), count(totals.emits));
  renderSpark(rate);
}

function renderSpark(rate) {
  const [area, line] = $("spark").querySelectorAll("path");
  if (rate.length < 2) return;
  const end = rate.at(-1).at;
  const top = Math.max(1, ...rate.map((point) => point.rate));
  const points = rate.map((point) => {
    const x = 120 - ((end - point.at) / SPARK_POINTS) * 120;
    return `${x.toFixed(1)} ${(30 - (point.rate / top) * 27).toFixed(1)}`;
  });
  line.setAttribute("d", `M${points.join("L")}`);
  area.setAttribute("d", `M${points[0].split(" ")[0]} 32L${points.join("L")}L120 32Z`);
}

function place(name, number, pressed, choose) {
  return { name, number, pressed, choose };
}

function renderPlaces() {
  const { scope } = state;
  const all = state.namespaces.reduce((sum, served) => sum + served.clients, 0);
  const namespaces = [
    place("All", all, !scope.namespace && !scope.room, () => setScope("", "")),
    ...state.namespaces.map((served) =>
      place(served.path, served.clients, scope.namespace === served.path && !scope.room, () => setScope(served.path, ""))),
  ];
  const rooms = state.rooms
    .filter((room) => !scope.namespace || room.namespace === scope.namespace)
    .slice(0, PLACES)
    .map((room) => ({
      ...place(room.name, room.clients, scope.room === room.name && scope.namespace === room.namespace, () =>
        setScope(room.namespace, room.name)),
      note: room.namespace,
    }));
  keepPlaces($("namespace-list"), namespaces);
  keepPlaces($("room-list"), rooms);
  const more = state.totals.rooms - rooms.length;
  setText($("rooms-note"), state.totals.rooms === 0 ? "none" : more > 0 && !scope.namespace ? `the largest ${rooms.length}` : "");
}

function keepPlaces(list, places) {
  keep(list, places, (one) => `${one.note ?? ""} ${one.name}`, () => {
    const button = el("button", { type: "button", on: { click: () => button.choose() } },
      el("span", { class: "name" }), el("span", { class: "note" }), el("span", { class: "number" }));
    return el("li", {}, button);
  }, (item, one) => {
    const button = item.firstElementChild;
    button.choose = one.choose;
    button.setAttribute("aria-pressed", String(one.pressed));
    button.title = one.name;
    setText(button.children[0], one.name);
    setText(button.children[1], one.note ?? "");
    setText(button.children[2], count(one.number));
  });
}

function setScope(path, room) {
  const { scope } = state;
  const same = scope.namespace === path && scope.room === room;
  state.scope = same ? { namespace: "", room: "" } : { namespace: path, room };
  state.paused ? renderPlaces() : render();
  if (room && !same) showView("clients");
}

function chosenClients() {
  const { scope, sort } = state;
  const words = $("client-filter").value.trim().toLowerCase();
  const others = words ? [...state.found.values()].filter((client) => !state.clients.has(keyOf(client))) : [];
  const chosen = [...state.clients.values(), ...others].filter((client) =>
    (!scope.namespace || client.namespace === scope.namespace) &&
    (!scope.room || client.rooms.includes(scope.room)) &&
    (!words || [client.sid, client.namespace, client.address, client.user_agent, ...client.rooms].some((text) => text.toLowerCase().includes(words))));
  const value = (client) => (sort.by === "rooms" ? client.rooms.length : client[sort.by]);
  const way = sort.down ? -1 : 1;
  return chosen.sort((one, other) => way * (value(one) < value(other) ? -1 : value(one) > value(other) ? 1 : 0));
}

function renderClients() {
  const chosen = chosenClients();
  const { scope, totals } = state;
  const rows = chosen.slice(0, MAX_ROWS);
  keep($("client-table").tBodies[0], rows, keyOf, makeClientRow, updateClientRow);
  const listed = state.clients.size < totals.clients ? `, ${count(state.clients.size)} of ${count(totals.clients)} listed` : "";
  setText($("clients-note"), rows.length < chosen.length ? `${rows.length} of ${count(chosen.length)}${listed}` : `${count(chosen.length)}${listed}`);
  $("clients-empty").hidden = chosen.length > 0;
  setText($("clients-empty"), state.clients.size ? "No client is like that." : "No client is connected.");
  $("scope").hidden = !scope.namespace;
  setText($("scope"), scope.room ? `${scope.namespace} · ${scope.room} ×` : `${scope.namespace} ×`);
  for (const button of document.querySelectorAll("[data-sort]")) {
    const own = button.dataset.sort === state.sort.by;
    button.parentElement.setAttribute("aria-sort", own ? (state.sort.down ? "descending" : "ascending") : "none");
  }
}

/* Asks the server for clients that are not listed, where there are some. */
async function search() {
  const words = $("client-filter").value.trim();
  if (!words || !socket.connected || state.totals === null || state.clients.size >= state.totals.clients) {
    state.found.clear();
    return;
  }
  const answer = await socket.timeout(10000).emitWithAck("find", { words }).catch(() => []);
  if (!Array.isArray(answer) || words !== $("client-filter").value.trim()) return;
  state.found = new Map(answer.map((client) => [keyOf(client), client]));
  render();
}

let searching = 0;
function searchSoon() {
  clearTimeout(searching);
  searching = setTimeout(search, 250);
}

function makeClientRow(client) {
  const cells = ["client", "on-wide path", "rooms", "on-wide address", "number", "number"].map((name) => el("td", { class: name }));
  const button = el("button", { type: "button", class: "sid", on: { click: () => openClient(keyOf(client)) } });
  cells[0].append(button, el("span", { class: "transport" }), el("span", { class: "small-path" }));
  return el("tr", {}, ...cells);
}

function updateClientRow(row, client) {
  const [first, path, rooms, address, queued, connected] = row.children;
  setText(first.children[0], client.sid.slice(0, 10));
  first.children[0].title = client.sid;
  setText(first.children[1], client.transport === "websocket" ? "ws" : "poll");
  first.children[1].title = client.transport;
  setText(first.children[2], client.namespace);
  setText(path, client.namespace);
  setText(rooms, client.rooms.join(", "));
  rooms.title = client.rooms.join(", ");
  setText(address, client.address);
  address.title = client.user_agent;
  setText(queued, client.queued_bytes ? bytes(client.queued_bytes) : "");
  setText(connected, since(client.connected_at));
}

function renderEvents() {
  const { scope } = state;
  const rows = state.events
    .filter((known) => known.direction === "client to server" && (!scope.namespace || known.namespace === scope.namespace))
    .map((known) => ({ ...known, counter: state.counters.get(`${known.namespace} ${known.event}`) }));
  const named = new Set(rows.map((row) => `${row.namespace} ${row.event}`));
  for (const [key, counter] of state.counters) {
    if (!named.has(key) && (!scope.namespace || counter.namespace === scope.namespace)) {
      rows.push({ namespace: counter.namespace, event: counter.event, arguments: "", ack: "", description: "", counter, unknown: !counter.event });
    }
  }
  keep($("event-table").tBodies[0], rows, (row) => `${row.namespace} ${row.event}`, () =>
    el("tr", {}, el("td", { class: "event" }, el("b"), el("span", { class: "muted" })), el("td", { class: "on-wide mono" }),
      el("td", { class: "number" }), el("td", { class: "number" }), el("td", { class: "number" })),
  (line, row) => {
    const { counter } = row;
    const came = counter ? counter.handled + counter.failed : 0;
    const cells = line.children;
    setText(cells[0].children[0], row.unknown ? "not served" : row.event);
    setText(cells[0].children[1], row.namespace);
    cells[0].title = row.description;
    setText(cells[1], row.arguments + (row.ack ? ` → ${row.ack}` : ""));
    cells[1].title = cells[1].textContent;
    setText(cells[2], came ? count(came) : "");
    setText(cells[3], counter?.failed ? count(counter.failed) : "");
    cells[3].classList.toggle("bad", Boolean(counter?.failed));
    setText(cells[4], came ? milliseconds(counter.total_ms / came) : "");
  });
  $("events-empty").hidden = rows.length > 0;
}

const SIGNS = { connect: "+", refused: "×", disconnect: "−", event: "→", emit: "←", action: "!" };
const isFailure = (entry) => entry.kind === "refused" || (entry.kind === "event" && entry.code !== "ok");

function isShown(entry, kind, words) {
  const { scope } = state;
  if (scope.namespace && entry.namespace !== scope.namespace) return false;
  if (kind === "failed" && !isFailure(entry)) return false;
  if (kind === "life" && !["connect", "refused", "disconnect"].includes(entry.kind)) return false;
  if (["event", "emit", "action"].includes(kind) && entry.kind !== kind) return false;
  return !words || [entry.event, entry.sid, entry.to, entry.code, entry.namespace, entry.detail].some((text) => text.toLowerCase().includes(words));
}

function renderLog() {
  const kind = $("log-kind").value;
  const words = $("log-filter").value.trim().toLowerCase();
  const chosen = state.entries.filter((entry) => isShown(entry, kind, words));
  keep($("log-list"), chosen, (entry) => entry.id, makeLine, () => {});
  $("log-empty").hidden = chosen.length > 0;
  setText($("log-empty"), state.entries.length ? "Nothing of the last entries is like that." : "Nothing has happened since you look.");
  setText($("log-note"), state.skipped ? `${count(state.skipped)} not shown` : "");
}

const TITLES = {
  connect: () => "connected",
  refused: () => "refused",
  disconnect: (entry) => entry.detail || "left",
  event: (entry) => entry.event || "not served",
  emit: (entry) => entry.event,
  action: (entry) => `${entry.event} ${entry.detail}`.trim(),
};

function makeLine(entry) {
  const failed = isFailure(entry);
  const line = el("li", { class: `line ${entry.kind}${failed ? " failed" : ""}` },
    el("time", { text: clock(entry.at), datetime: new Date(entry.at * 1000).toISOString() }),
    el("span", { class: "sign", text: SIGNS[entry.kind], "aria-label": entry.kind, role: "img" }),
    el("span", { class: "what" }, el("b", { text: TITLES[entry.kind](entry) }), el("span", { class: "muted", text: entry.namespace })),
    el("span", { class: "code", text: entry.code === "ok" ? "" : entry.code }),
    el("span", { class: "number", text: milliseconds(entry.duration_ms) }));
  if (entry.sid) {
    const who = el("button", { type: "button", class: "sid", text: short(entry.sid), title: entry.sid });
    who.addEventListener("click", () => openClient(`${entry.namespace} ${entry.sid}`));
    line.append(who);
  } else {
    line.append(el("span", { class: "sid", text: entry.kind === "emit" ? short(entry.to) || "all" : "" }));
  }
  line.title = [entry.detail, entry.size_bytes ? bytes(entry.size_bytes) : "", entry.to ? `to ${entry.to}` : ""].filter(Boolean).join(" · ");
  return line;
}

/* -- one client -- */

const findClient = (key) => state.clients.get(key) ?? state.found.get(key);

function openClient(key) {
  state.open = { key, client: findClient(key) ?? null };
  setText($("client-result"), "");
  disarm();
  renderOpenClient();
  if (!$("client").open) $("client").showModal();
}

function renderOpenClient() {
  if (state.open === null) return;
  const here = findClient(state.open.key);
  const client = here ?? state.open.client;
  state.open.client = client;
  const [path, sid] = [state.open.key.slice(0, state.open.key.indexOf(" ")), state.open.key.slice(state.open.key.indexOf(" ") + 1)];
  setText($("client-title"), `Client ${short(sid)}`);
  $("client-gone").hidden = Boolean(here);
  setText($("client-gone"), state.clients.size < state.totals.clients ? "It has left, or is not listed." : "It has left.");
  const facts = [["Namespace", path], ["sid", sid]];
  if (client) {
    facts.push(["Transport", client.transport], ["Address", client.address], ["Program", client.user_agent],
      ["Since", `${new Date(client.connected_at * 1000).toLocaleString()} (${since(client.connected_at)})`],
      ["Waiting to be sent", bytes(client.queued_bytes)]);
  }
  keep($("client-facts"), facts, ([name]) => name, ([name]) => el("div", {}, el("dt", { text: name }), el("dd")),
    (item, [, value]) => setText(item.children[1], value || "-"));
  const mayAct = state.actions && Boolean(here);
  keep($("client-rooms"), client?.rooms ?? [], (room) => `${room} ${mayAct}`, (room) => {
    const item = el("li", { class: "chip", text: room });
    if (mayAct) {
      item.append(el("button", { type: "button", "aria-label": `Take it out of ${room}`, text: "×", on: { click: () => leave(room) } }));
    }
    return item;
  }, () => {});
  $("client-actions").hidden = !mayAct;
  $("client-readonly").hidden = state.actions;
}

async function ask(event, payload, place, done) {
  place.classList.remove("bad");
  const answer = await socket.timeout(10000).emitWithAck(event, payload).catch(() => ({ error: { message: "No answer came." } }));
  const error = answer?.error;
  place.classList.toggle("bad", Boolean(error));
  setText(place, error ? `${error.code ? `${error.code}: ` : ""}${error.message}` : done(answer));
  return !error;
}

const target = () => ({ namespace: state.open.client.namespace, sid: state.open.client.sid });

function leave(room) {
  return ask("leave", { ...target(), room }, $("client-result"), () => `It is no longer in ${room}.`);
}

function disarm() {
  const button = $("client-disconnect");
  button.dataset.armed = "";
  setText(button, "Disconnect");
}

$("join-form").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const room = $("join-room").value;
  if (await ask("join", { ...target(), room }, $("client-result"), () => `It is in ${room}.`)) $("join-room").value = "";
});
$("client-disconnect").addEventListener("click", async () => {
  const button = $("client-disconnect");
  if (!button.dataset.armed) {
    button.dataset.armed = "yes";
    setText(button, "Yes, disconnect it");
    return;
  }
  disarm();
  await ask("disconnect client", target(), $("client-result"), () => "It was disconnected.");
});
$("client-send").addEventListener("click", () => {
  const { namespace: path, sid } = target();
  $("client").close();
  compose(path, sid);
});
$("client").addEventListener("close", () => { state.open = null; });

/* -- sending -- */

function compose(path, to) {
  const select = $("send-namespace");
  select.replaceChildren(...state.namespaces.map((served) => el("option", { value: served.path, text: served.path })));
  select.value = path || state.namespaces[0]?.path || "";
  $("send-to").value = to;
  fillEventNames();
  setText($("send-result"), "");
  $("send").showModal();
  $("send-event").focus();
}

function fillEventNames() {
  const path = $("send-namespace").value;
  const names = state.events.filter((known) => known.direction === "server to client" && known.namespace === path);
  $("event-names").replaceChildren(...names.map((known) => el("option", { value: known.event })));
}

$("send-namespace").addEventListener("change", fillEventNames);
$("compose").addEventListener("click", () => compose(state.scope.namespace, state.scope.room));
$("send-form").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const place = $("send-result");
  let args;
  try {
    args = JSON.parse($("send-args").value || "[]");
  } catch (error) {
    args = error;
  }
  if (!Array.isArray(args)) {
    place.classList.add("bad");
    setText(place, 'The arguments are a JSON list, such as ["hello", {"n": 1}].');
    $("send-args").focus();
    return;
  }
  const payload = { namespace: $("send-namespace").value, event: $("send-event").value, args, to: $("send-to").value || null };
  await ask("emit", payload, place, (reached) => `Sent to ${count(reached)} ${reached === 1 ? "client" : "clients"} of this process.`);
});

/* -- controls -- */

function showView(name) {
  document.body.dataset.view = name;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const own = tab.dataset.view === name;
    tab.setAttribute("aria-selected", String(own));
    tab.tabIndex = own ? 0 : -1;
  }
}

const tabs = [...document.querySelectorAll("[role=tab]")];
for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => showView(tab.dataset.view));
  tab.addEventListener("keydown", (press) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[press.key];
    if (!step) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    showView(next.dataset.view);
    next.focus();
  });
}

function setPaused(paused) {
  state.paused = paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  setText($("pause"), paused ? "Go on" : "Pause");
  render();
}

$("pause").addEventListener("click", () => setPaused(!state.paused));
$("scope").addEventListener("click", () => setScope("", ""));
for (const id of ["client-filter", "log-filter"]) {
  $(id).addEventListener("input", () => (id === "log-filter" ? renderLog() : renderClients()));
}
$("log-kind").addEventListener("change", renderLog);
for (const button of document.querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () => {
    const by = button.dataset.sort;
    state.sort = { by, down: state.sort.by === by ? !state.sort.down : !["sid", "namespace", "address"].includes(by) };
    if (state.totals) renderClients();
  });
}
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (click) => { if (click.target === dialog) dialog.close(); });
}
document.addEventListener("keydown", (press) => {
  const typing = press.target.closest("input, textarea, select, dialog");
  if (typing || press.ctrlKey || press.metaKey || press.altKey) return;
  const inputs = { "/": ["clients", "client-filter"], l: ["log", "log-filter"] };
  if (press.key === "p") setPaused(!state.paused);
  else if (press.key in inputs) {
    const [view, id] = inputs[press.key];
    press.preventDefault();
    showView(view);
    $(id).focus();
  }
});

$("client-filter").addEventListener("input", searchSoon);
setInterval(() => { if (!state.paused) render(); }, 1000);
setInterval(() => { if (!state.paused) search(); }, 3000);
socket.connect();
