/* What went over the connections: the last 1,000 entries, newest first. */

import { copyButton, el, setText } from "./dom.js";
import { clip, showMilliseconds, toText } from "./values.js";

const MAX_ENTRIES = 1000;
const MAX_TEXT = 20_000;
const SIGNS = { out: ["↑", "sent"], in: ["↓", "received"], life: ["•", "connection"] };

export class Log {
  /* place: the panel that has the list, the filter, the choice of kinds and the buttons. */
  constructor(place) {
    this.entries = [];
    this.number = 0;
    this.list = place.querySelector("ol");
    this.empty = place.querySelector(".empty");
    this.note = place.querySelector(".note");
    this.filter = place.querySelector("input");
    this.kind = place.querySelector("select");
    place.querySelector(".tools").append(copyButton(() => this.copy(), "Copy"), el("button", { type: "button", class: "quiet", text: "Clear", on: { click: () => this.clear() } }));
    this.filter.addEventListener("input", () => this.#drawSoon());
    this.kind.addEventListener("change", () => this.#drawSoon());
    this.#draw();
  }

  /*
   * Notes something that happened. Returns an object whose `update` adds the ack.
   * way: out, in or life. payload: the arguments. error: an error object's content.
   */
  add({ payload, error = null, ...about }) {
    this.number += 1;
    const entry = { ...about, id: this.number, at: Date.now(), payload: clip(payload, 0, MAX_TEXT), error, row: null, isStale: true };
    entry.update = ({ ack, error: failure, ms }) => {
      Object.assign(entry, { ack: ack === undefined ? undefined : clip(ack, 0, MAX_TEXT), error: failure ?? null, ms, waits: false, isStale: true });
      this.#drawSoon();
    };
    this.entries.unshift(entry);
    for (const old of this.entries.splice(MAX_ENTRIES)) old.row?.remove();
    this.#drawSoon();
    return entry;
  }

  clear() {
    this.entries = [];
    this.list.replaceChildren();
    this.#draw();
  }

  /* Returns what is shown, as JSON. */
  copy() {
    return toText(this.#chosen().map(({ at, connection, namespace, way, event, payload, ack, error, ms }) => ({
      at: new Date(at).toISOString(), connection, namespace, direction: SIGNS[way][1], event,
      payload: readable(payload), ack: ack === undefined ? undefined : readable(ack), error: ack === undefined ? error ?? undefined : undefined, ms: ms === undefined ? undefined : Math.round(ms * 10) / 10,
    })));
  }

  #chosen() {
    const words = this.filter.value.trim().toLowerCase();
    const kind = this.kind.value;
    return this.entries.filter((entry) => (kind === "all" || (kind === "failed" ? entry.error !== null : entry.way === kind))
      && (!words || `${entry.event} ${entry.namespace} ${entry.payload} ${entry.ack ?? ""} ${entry.error?.code ?? ""} ${entry.error?.message ?? ""}`.toLowerCase().includes(words)));
  }

  #drawSoon() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => { this.isWaiting = false; this.#draw(); });
  }

  #draw() {
    const chosen = this.#chosen();
    const shown = new Set(chosen);
    for (const entry of this.entries) if (!shown.has(entry)) entry.row?.remove();
    let place = this.list.firstElementChild;
    for (const entry of chosen) {
      entry.row ??= makeRow(entry);
      if (entry.isStale) updateRow(entry);
      if (entry.row === place) place = place.nextElementSibling;
      else this.list.insertBefore(entry.row, place);
    }
    this.empty.hidden = chosen.length > 0;
    setText(this.empty, this.entries.length ? "No entry is like that." : "What is sent and received is shown here.");
    setText(this.note, this.entries.length >= MAX_ENTRIES ? `the last ${MAX_ENTRIES.toLocaleString("en")}` : "");
  }
}

function readable(text) {
  try {
    return JSON.parse(text);
  } catch { // it was cut
    return text;
  }
}

function makeRow(entry) {
  const [sign, word] = SIGNS[entry.way];
  const at = new Date(entry.at);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  const details = el("details", {},
    el("summary", {},
      el("time", { text: time, datetime: at.toISOString() }),
      el("span", { class: "sign", role: "img", "aria-label": word, text: sign }),
      el("span", { class: "who", title: `connection ${entry.connection}, ${entry.namespace}`, text: entry.connection }),
      el("span", { class: "what" }, el("b", { text: entry.event }), el("span", { class: "excerpt" })),
      el("span", { class: "result" })),
    el("div", { class: "whole" }));
  details.addEventListener("toggle", () => { if (details.open) fill(entry, details.lastElementChild); });
  return el("li", { class: `row ${entry.way}` }, details);
}

function updateRow(entry) {
  entry.isStale = false;
  const details = entry.row.firstElementChild;
  const [what, result] = [details.querySelector(".what"), details.querySelector(".result")];
  entry.row.classList.toggle("failed", entry.error !== null);
  setText(what.querySelector(".excerpt"), entry.payload.slice(1, -1).slice(0, 200));
  const took = entry.ms === undefined ? "" : showMilliseconds(entry.ms);
  setText(result, entry.error ? entry.error.code : entry.waits ? "..." : took);
  if (details.open) fill(entry, details.lastElementChild);
}

function fill(entry, place) {
  const parts = [["Arguments", entry.payload]];
  if (entry.ack !== undefined) parts.push([`Ack after ${showMilliseconds(entry.ms)}`, entry.ack]);
  else if (entry.error) parts.push(["Error", toText(entry.error, 0)]);
  const about = el("p", { class: "muted", text: `${new Date(entry.at).toISOString()} · connection ${entry.connection} · ${entry.namespace}` });
  place.replaceChildren(about, ...parts.flatMap(([name, text]) => [el("h4", { text: name }), el("pre", { class: "value", tabindex: "0", text: indent(text) })]));
}

function indent(text) {
  const value = readable(text);
  return value === text ? text : JSON.stringify(value, null, 2);
}
