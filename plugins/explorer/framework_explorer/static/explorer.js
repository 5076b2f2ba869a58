/* The page: what is shown, which connections there are, the keyboard. */

import { Connection } from "./connection.js";
import { button, byId, el, setText } from "./dom.js";
import { MISSING } from "./field.js";
import { makeRequest, makeValue } from "./form.js";
import { List } from "./list.js";
import { Log } from "./log.js";
import { clientEventPanel, namespacePanel, serverEventPanel } from "./panels.js";
import { readRoute, writeRoute } from "./route.js";
import { Schemas } from "./schema.js";

const ANY_AUTH = { name: "auth", schema: {}, required: false };

class Page {
  constructor(told, text) {
    this.told = told;
    this.text = text;
    this.contract = told.contract;
    this.schemas = new Schemas(this.contract.models);
    this.log = new Log(byId("log"));
    this.list = new List(this.contract.namespaces);
    this.connections = [];
    this.current = new Map(); // the connection that is used, by namespace
    this.panels = new Map();
    this.panel = null;
    this.namespace = null;
    this.numbers = 0;
    this.after = null; // where to go back to from a form that has to be filled in before
    this.updateWaits = false;
  }

  start() {
    const { title, version } = this.contract;
    document.title = `${title} - explorer`;
    setText(byId("application"), title);
    setText(byId("version"), version === "0.0.0" ? "" : version);
    this.#fillDownloads();
    byId("new-connection").addEventListener("click", () => this.#openHere());
    byId("waiting").addEventListener("click", () => this.#goToCall());
    document.querySelector(".skip").addEventListener("click", (click) => {
      click.preventDefault();
      showView("list");
      byId("search").focus();
    });
    window.addEventListener("hashchange", () => this.#route());
    this.#route();
    listenToKeys(this);
  }

  /* -- connections -- */

  /* Returns the connection that is used for a namespace, null where there is none. */
  connectionOf(namespace) {
    return this.current.get(namespace) ?? null;
  }

  /* Makes a connection, which is not connected yet, and uses it. */
  add(namespace) {
    this.numbers += 1;
    let wasLive = false;
    const connection = new Connection(this.numbers, namespace, {
      path: this.told.socketio_path,
      log: this.log,
      tell: (what) => {
        if (what === "state" && connection.isLive) {
          if (wasLive) this.#lookAgain();
          wasLive = true;
          this.#goBack(namespace);
        }
        this.updateSoon();
      },
    });
    const { name, schema, required } = namespace.auth ?? ANY_AUTH;
    const example = namespace.examples.auth;
    connection.request = makeRequest(makeValue(this.schemas, name, schema, required), { label: "Auth", example: example === null ? undefined : this.schemas.withBytes(schema, example) });
    this.connections.push(connection);
    this.use(connection);
    return connection;
  }

  use(connection) {
    this.current.set(connection.namespace, connection);
    this.updateSoon();
  }

  /* Makes a connection and shows it; connects where that needs nothing. */
  open(namespace) {
    const connection = this.add(namespace);
    this.go(namespace);
    if (!namespace.auth?.required) this.connect(connection).catch(() => {});
  }

  close(connection) {
    connection.leave();
    this.connections = this.connections.filter((other) => other !== connection);
    if (this.connectionOf(connection.namespace) === connection) {
      const other = this.connections.findLast((one) => one.namespace === connection.namespace);
      if (other) this.current.set(connection.namespace, other);
      else this.current.delete(connection.namespace);
    }
    this.updateSoon();
  }

  /* Connects with what its form says. Rejects with the refusal. */
  connect(connection) {
    return new Promise((resolve, reject) => {
      let auth;
      try {
        auth = connection.request.read();
      } catch (error) {
        reject(error);
        return;
      }
      connection.connect(auth === MISSING ? undefined : auth);
      connection.socket.once("connect", () => resolve(connection));
      connection.socket.once("connect_error", (error) => reject(Object.assign(new Error(error.message), { code: "connect_error", ...error.data })));
    });
  }

  /*
   * Returns a connection of a namespace as soon as it is connected. Where that needs something, or is refused, its form is
   * shown, from which the page comes back; then it returns null.
   */
  async ready(namespace) {
    const known = this.connectionOf(namespace);
    const connection = known ?? this.add(namespace);
    if (connection.isLive) return connection;
    const from = location.hash;
    try {
      if (known || !namespace.auth?.required) return await this.connect(connection);
    } catch {
      /* The form says why. */
    }
    this.after = from;
    this.go(namespace);
    return null;
  }

  #goBack(namespace) {
    const after = this.after;
    this.after = null;
    if (after !== null && this.namespace === namespace && this.panel === this.panels.get(namespace)) location.hash = after;
  }

  #openHere() {
    const namespace = this.namespace ?? this.contract.namespaces[0];
    if (namespace) this.open(namespace);
  }

  /* Says so when the application has changed meanwhile. */
  async #lookAgain() {
    const text = await fetchText("page.json").catch(() => this.text);
    if (text === this.text) return;
    const notice = byId("notice");
    notice.replaceChildren("The application has changed. ", button("Load it anew", () => location.reload()));
    notice.hidden = false;
  }

  /* -- what is shown -- */

  go(namespace, event = null, direction = "client") {
    const isAmbiguous = namespace.client_events.some((other) => other.name === event?.name);
    const route = writeRoute(namespace.path, event?.name ?? null, direction, isAmbiguous);
    if (location.hash === route) this.#route();
    else location.hash = route;
  }

  #route() {
    const found = this.#find(readRoute(location.hash));
    const { namespace, event, direction } = found ?? { namespace: this.contract.namespaces[0] ?? null, event: null };
    const notice = found === null && location.hash.length > 1;
    byId("notice").hidden = !notice;
    if (notice) setText(byId("notice"), `Nothing is served at ${location.hash.slice(1)}.`);
    if (namespace === null) return;
    const make = event === null ? namespacePanel : direction === "client" ? clientEventPanel : serverEventPanel;
    const key = event ?? namespace;
    if (!this.panels.has(key)) this.panels.set(key, make(this, namespace, event));
    this.namespace = namespace;
    this.panel = this.panels.get(key);
    byId("shown").replaceChildren(this.panel.element);
    byId("shown").scrollTop = 0;
    setText(byId("tab-detail"), event === null ? "Namespace" : "Event");
    if (event !== null) this.after = null;
    this.list.mark(namespace, event);
    if (found !== null) showView("detail");
    this.update();
  }

  #find(route) {
    const namespace = route && this.contract.namespaces.find((one) => one.path === route.path);
    if (!namespace) return null;
    if (route.event === null) return { namespace, event: null };
    const named = (one) => one.name === route.event;
    const sent = route.direction === "server" ? undefined : namespace.client_events.find(named);
    const event = sent ?? namespace.server_events.find(named);
    return event ? { namespace, event, direction: sent ? "client" : "server" } : null;
  }

  updateSoon() {
    if (this.updateWaits) return;
    this.updateWaits = true;
    requestAnimationFrame(() => {
      this.updateWaits = false;
      this.update();
    });
  }

  update() {
    this.panel?.update();
    this.#showConnections();
    this.list.showCounts((path, name) => this.connections.reduce((sum, one) => sum + (one.namespace.path === path ? one.counts.get(name) ?? 0 : 0), 0));
    const calls = this.connections.flatMap((connection) => connection.calls);
    byId("waiting").hidden = calls.length === 0;
    setText(byId("waiting"), `${calls.length} ${calls.length === 1 ? "call waits" : "calls wait"}`);
  }

  #showConnections() {
    const place = byId("connections");
    const chips = new Map([...place.children].map((chip) => [chip.connection, chip]));
    for (const connection of this.connections) {
      const chip = chips.get(connection) ?? this.#makeChip(connection);
      chips.delete(connection);
      if (chip.parentNode !== place) place.append(chip);
      const isUsed = this.connectionOf(connection.namespace) === connection && connection.namespace === this.namespace;
      chip.dataset.state = connection.state;
      chip.firstElementChild.setAttribute("aria-pressed", String(isUsed));
      chip.firstElementChild.title = connection.isLive ? connection.sid : connection.state;
    }
    for (const chip of chips.values()) chip.remove();
  }

  #makeChip(connection) {
    const { number, namespace } = connection;
    const show = () => {
      this.use(connection);
      if (this.namespace !== namespace) this.go(namespace);
    };
    const chip = el("span", { class: "chip connection-chip" }, button(`${number} ${namespace.path}`, show),
      button("×", () => this.close(connection), { class: "remove", "aria-label": `Close connection ${number}` }));
    chip.connection = connection;
    return chip;
  }

  #goToCall() {
    for (const connection of this.connections) {
      for (const call of connection.calls) {
        const event = connection.namespace.server_events.find((one) => one.name === call.event);
        if (event) {
          this.use(connection);
          this.go(connection.namespace, event, "server");
          return;
        }
      }
    }
  }

  #fillDownloads() {
    const menu = byId("downloads");
    const links = [["Contract", "contract.json", "contract.json"], ...this.told.generators.map((name) => [name, `stubs/${encodeURIComponent(name)}`, ""])];
    menu.querySelector("ul").append(...links.map(([name, href, file]) => el("li", {}, el("a", { href, download: file, text: name }))));
    document.addEventListener("click", (click) => { if (!menu.contains(click.target)) menu.open = false; });
    menu.addEventListener("keydown", (press) => {
      if (press.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
}

/* -- views of a phone, and the keyboard -- */

const tabs = [...document.querySelectorAll("[role=tab]")];

function showView(name) {
  document.body.dataset.view = name;
  for (const tab of tabs) {
    const isShown = tab.dataset.view === name;
    tab.setAttribute("aria-selected", String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
  }
}

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

function listenToKeys(page) {
  document.addEventListener("keydown", (press) => {
    if (press.key === "Enter" && (press.ctrlKey || press.metaKey)) {
      press.preventDefault();
      page.panel?.send?.();
      return;
    }
    const isTyping = press.target.closest("input:not([type=checkbox]), textarea, select");
    if (isTyping || press.ctrlKey || press.metaKey || press.altKey) return;
    const field = { "/": ["list", byId("search")], l: ["log", page.log.filter] }[press.key];
    if (field === undefined) return;
    press.preventDefault();
    showView(field[0]);
    field[1].focus();
  });
}

async function fetchText(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.text();
}

try {
  const text = await fetchText("page.json");
  new Page(JSON.parse(text), text).start();
} catch (error) {
  byId("notice").hidden = false;
  setText(byId("notice"), `The application's events can't be shown: ${error.message}`);
  throw error;
}
