/* What comes back: acks, errors, streams. */

import { button, copyButton, el, setText } from "./dom.js";
import { clip, showMilliseconds, showValue, toText } from "./values.js";

const SHOWN_CHUNKS = 50;
const STATES = { running: "running", ended: "ended", cancelled: "cancelled", failed: "failed", lost: "the connection was lost" };

function frame(kind, title, note, ...children) {
  return el("section", { class: `answer ${kind}` },
    el("div", { class: "bar" }, el("b", { class: "state", text: title }), el("span", { class: "muted note", text: note }), el("span", { class: "room-to-grow" })), ...children);
}

export function showAck({ ack, ms }) {
  const made = frame("good", "Acknowledged", showMilliseconds(ms));
  if (!ack.length) made.append(el("p", { class: "muted", text: "Without a value." }));
  else made.firstElementChild.append(copyButton(() => toText(ack.length === 1 ? ack[0] : ack)));
  made.append(...ack.map(showValue));
  return made;
}

export function showNote(title, text) {
  return frame("plain", title, "", el("p", { class: "muted", text }));
}

/* Shows an error object's content. */
export function showError(error, ms) {
  const made = frame("bad", error.code, ms === undefined ? "" : showMilliseconds(ms), el("p", { text: error.message }));
  made.firstElementChild.append(copyButton(() => toText(error)));
  const details = readDetails(error);
  if (details.length) {
    made.append(el("ul", { class: "details" }, ...details.map(({ path, message }) => el("li", {}, path && el("code", { text: path }), ` ${message}`))));
  } else if (error.details !== undefined) made.append(showValue(error.details));
  const notes = [error.retry_after !== undefined && `Try again in ${error.retry_after} s.`, error.id !== undefined && `${error.id} is in the server's log, too.`];
  for (const text of notes.filter(Boolean)) made.append(el("p", { class: "muted", text }));
  return made;
}

/* Returns the list of paths and messages that an error has, empty where its details are something else. */
export function readDetails(error) {
  const details = Array.isArray(error.details) ? error.details : [];
  return details.every((item) => typeof item?.path === "string" && typeof item?.message === "string") ? details : [];
}

/* Returns `{element, update, isOver}` for a stream. */
export function showStream(stream) {
  const pause = button("Pause", () => stream.pause(!stream.isPaused), { "aria-pressed": "false", title: "Acknowledge nothing, so that the server waits" });
  const cancel = button("Cancel", () => stream.cancel());
  const list = el("ol", { class: "chunks" });
  const element = frame("plain stream", "", "", list);
  const [state, note] = element.firstElementChild.children;
  element.firstElementChild.append(pause, cancel);
  let drawn = 0;
  let isWaiting = false;

  function draw() {
    isWaiting = false;
    const isRunning = stream.state === "running";
    setText(state, `Stream ${stream.isPaused && isRunning ? "paused" : STATES[stream.state]}`);
    const waiting = stream.isPaused && isRunning && stream.held.length ? `, ${stream.held.length} not acknowledged` : "";
    setText(note, `${stream.count.toLocaleString("en")} ${stream.count === 1 ? "chunk" : "chunks"}${waiting}${isRunning ? "" : `, ${showMilliseconds(stream.ms)}`}`);
    element.classList.toggle("good", stream.state === "ended" || stream.state === "cancelled");
    element.classList.toggle("bad", stream.state === "failed" || stream.state === "lost");
    pause.hidden = cancel.hidden = !isRunning;
    setText(pause, stream.isPaused ? "Go on" : "Pause");
    pause.setAttribute("aria-pressed", String(stream.isPaused));
    const fresh = stream.chunks.slice(-Math.min(SHOWN_CHUNKS, stream.count - drawn) || stream.chunks.length);
    if (stream.count > drawn) {
      list.prepend(...fresh.map((chunk, index) => el("li", { value: stream.count - fresh.length + index + 1 }, el("code", { text: clip(chunk, 0, 2000) }))).reverse());
      while (list.childElementCount > SHOWN_CHUNKS) list.lastElementChild.remove();
    }
    drawn = stream.count;
    if (stream.error !== null && !element.querySelector(".answer")) element.append(showError(stream.error));
  }
  draw();
  return {
    element,
    isOver: () => stream.state !== "running",
    update() {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(draw);
    },
  };
}
