// What is on the page. Text of other people only ever goes in as text, never as HTML.

const GROUP_WITHIN_MS = 5 * 60 * 1000;
const TOAST_MS = 6000;
const SHOWN = 500; // messages; older ones are taken away
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export const find = (id) => document.getElementById(id);

const log = find("log");
const messages = find("messages");
let toastTimer = 0;
let pinned = true; // the reader is at the newest message, and stays there

log.addEventListener("scroll", () => {
  pinned = isAtNewest();
  if (pinned) find("newest").hidden = true;
});
new ResizeObserver(() => { if (pinned) toNewest(); }).observe(log);
find("newest").addEventListener("click", toNewest);

export function showWelcome() {
  find("chat").hidden = true;
  find("welcome").hidden = false;
}

export function showChat(room, me) {
  clearErrors();
  find("welcome").hidden = true;
  find("chat").hidden = false;
  find("room-name").textContent = room.room;
  showPeople(room.people, me);
  messages.replaceChildren();
  room.messages.forEach((posted) => addMessage(posted, me));
  find("empty").hidden = room.messages.length > 0;
  toNewest();
}

export function showConnection(state, words) {
  const pill = find("connection");
  pill.dataset.state = state;
  pill.textContent = words;
}

export function showPeople(people, me) {
  find("people").replaceChildren(...people.map((name) => personItem(name, name === me)));
  find("people-count").textContent = String(people.length);
}

/** Add what somebody said; a reader who is further up stays there, and is told. */
export function addMessage(posted, me) {
  messages.append(messageItem(posted, me));
  if (messages.children.length > SHOWN) messages.firstElementChild.remove();
  find("empty").hidden = true;
  if (pinned || posted.name === me) toNewest();
  else find("newest").hidden = false;
}

export function addNote(text) {
  messages.append(element("li", { className: "note" }, text));
  if (pinned) toNewest();
}

export function showTyping(names) {
  const who = names.length > 2 ? "Several people" : names.join(" and ");
  const words = `${who} ${names.length > 1 ? "are" : "is"} writing`;
  const dots = element("span", { className: "dots", ariaHidden: "true" }, element("i"), element("i"), element("i"));
  find("typing").replaceChildren(...(names.length ? [words, dots] : []));
}

/** Show an error where it can be mended: at the field with this id. */
export function showError(field, error) {
  const place = find(`${field}-error`);
  place.replaceChildren(...errorParts(error));
  place.hidden = false;
  find(field).setAttribute("aria-invalid", "true");
  find(field).focus();
}

export function clearError(field) {
  find(`${field}-error`).hidden = true;
  find(field).removeAttribute("aria-invalid");
}

export function showToast(error) {
  const toast = find("toast");
  toast.replaceChildren(...errorParts(error));
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, TOAST_MS);
}

/** Count down near the limit, and past it; the server has the last word. */
export function showCount(text) {
  const max = Number(find("text").dataset.max);
  const left = max - [...text.trim()].length;
  const count = find("text-count");
  count.hidden = left > max / 5;
  count.textContent = left < 0 ? `${-left} too many` : `${left} left`;
  count.classList.toggle("over", left < 0);
}

function toNewest() {
  pinned = true;
  log.scrollTop = log.scrollHeight;
  find("newest").hidden = true;
}

function isAtNewest() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}

function clearErrors() {
  ["name", "room", "other-room", "text"].forEach(clearError);
}

function errorParts(error) {
  return [element("code", {}, error.code), ...error.sentences.map((words) => element("span", {}, words))];
}

function personItem(name, isMe) {
  const you = isMe ? element("span", { className: "you" }, "you") : "";
  return element("li", {}, avatar(name), element("span", { className: "who" }, name), you);
}

function messageItem(posted, me) {
  const at = new Date(posted.at);
  const mine = posted.name === me;
  const before = messages.lastElementChild;
  const grouped = before?.dataset.name === posted.name && at - new Date(before.dataset.at) < GROUP_WITHIN_MS;
  const item = element(
    "li",
    { className: ["message", mine && "mine", grouped && "grouped"].filter(Boolean).join(" ") },
    avatar(posted.name),
    element(
      "div",
      { className: "body" },
      element(
        "p",
        { className: "meta" },
        element("strong", {}, mine ? "You" : posted.name),
        " ",
        element("time", { dateTime: posted.at, title: at.toLocaleString() }, time.format(at)),
      ),
      element("p", { className: "text" }, posted.text),
    ),
  );
  item.dataset.name = posted.name;
  item.dataset.at = posted.at;
  return item;
}

function avatar(name) {
  const item = element("span", { className: "avatar", ariaHidden: "true" }, [...name][0].toUpperCase());
  item.style.setProperty("--hue", String(hueOf(name)));
  return item;
}

function hueOf(name) {
  return [...name].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 360, 7);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
