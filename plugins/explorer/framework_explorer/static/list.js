/* The list of namespaces and events, with the search. */

import { byId, el, setText } from "./dom.js";
import { writeRoute } from "./route.js";

export class List {
  /* namespaces: of the contract. */
  constructor(namespaces) {
    this.search = byId("search");
    this.empty = byId("no-events");
    this.rows = [];
    this.groups = namespaces.map((namespace) => this.#makeGroup(namespace));
    byId("namespaces").append(...this.groups.map((group) => group.element));
    this.search.addEventListener("input", () => this.#filter());
    this.search.addEventListener("keydown", (press) => this.#keyInSearch(press));
    byId("namespaces").addEventListener("keydown", (press) => this.#keyInList(press));
    this.#filter();
  }

  /* Marks what is shown. */
  mark(namespace, event) {
    for (const row of this.rows) {
      const isShown = row.namespace === namespace && row.event === event;
      if (isShown) row.link.setAttribute("aria-current", "page");
      else row.link.removeAttribute("aria-current");
      if (isShown) row.link.scrollIntoView({ block: "nearest" });
    }
  }

  /* Shows how often events came; `count` is given the path and the name. */
  showCounts(count) {
    for (const row of this.rows) if (row.counter) setText(row.counter, String(count(row.namespace.path, row.event.name) || ""));
  }

  #makeGroup(namespace) {
    const server = new Set(namespace.client_events.map((event) => event.name));
    const head = this.#makeRow(namespace, null, writeRoute(namespace.path), el("span", { class: "label", text: namespace.path }),
      el("span", { class: "muted", text: namespace.path === "/" || namespace.name.toLowerCase() === namespace.path.slice(1).toLowerCase() ? "" : namespace.name }));
    const rows = [
      ...namespace.client_events.map((event) => this.#makeEvent(namespace, event, "client", false)),
      ...namespace.server_events.map((event) => this.#makeEvent(namespace, event, "server", server.has(event.name))),
    ];
    const element = el("section", { class: "group", "aria-label": namespace.path }, el("h2", {}, head.link), el("ul", {}, ...rows.map((row) => row.item)));
    return { element, rows: [head, ...rows] };
  }

  #makeEvent(namespace, event, direction, isAmbiguous) {
    const isClient = direction === "client";
    const counter = isClient ? null : el("span", { class: "counter" });
    const tag = event.stream ? "stream" : event.is_call ? "call" : "";
    const row = this.#makeRow(namespace, event, writeRoute(namespace.path, event.name, direction, isAmbiguous),
      el("span", { class: `sign ${direction}`, role: "img", "aria-label": isClient ? "sent by clients" : "sent by the server", text: isClient ? "↑" : "↓" }),
      el("span", { class: event.deprecated === null ? "label" : "label deprecated", text: event.name }),
      tag && el("span", { class: "tag", text: tag }), counter);
    row.counter = counter;
    row.item = el("li", {}, row.link);
    return row;
  }

  #makeRow(namespace, event, href, ...parts) {
    const words = [namespace.path, namespace.name, event ? event.name : "", (event ?? namespace).description,
      ...(event?.arguments ?? []).map((argument) => argument.name), ...((event ?? namespace).errors ?? []).map((error) => error.code)];
    const row = { namespace, event, text: words.join("\n").toLowerCase(), link: el("a", { href }, ...parts) };
    this.rows.push(row);
    return row;
  }

  #filter() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (row) => words.every((word) => row.text.includes(word));
    let found = 0;
    for (const { element, rows: [head, ...rows] } of this.groups) {
      const isHead = matches(head);
      let inGroup = 0;
      for (const row of rows) {
        const isFound = matches(row);
        row.item.hidden = !isFound;
        inGroup += isFound ? 1 : 0;
      }
      element.hidden = inGroup === 0 && !isHead;
      found += inGroup + (isHead ? 1 : 0);
    }
    this.empty.hidden = found > 0;
    setText(this.empty, this.rows.length ? "No event is like that." : "The application serves no events.");
  }

  get #links() {
    return this.groups.filter(({ element }) => !element.hidden).flatMap(({ rows }) => rows.filter((row) => !row.item?.hidden).map((row) => row.link));
  }

  #keyInSearch(press) {
    const links = this.#links.filter((link) => link.closest("li"));
    const first = links[0] ?? this.#links[0];
    if (press.key === "Escape") {
      this.search.value = "";
      this.#filter();
    } else if (press.key === "ArrowDown" && first) {
      press.preventDefault();
      first.focus();
    } else if (press.key === "Enter" && first && this.search.value) {
      press.preventDefault();
      first.click();
    }
  }

  #keyInList(press) {
    const links = this.#links;
    const at = links.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[press.key];
    if (next === undefined || at < 0) return;
    press.preventDefault();
    if (next < 0) this.search.focus();
    else links[next]?.focus();
  }
}
