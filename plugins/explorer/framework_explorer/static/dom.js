/* Elements, of text only: what comes from the contract or from clients never becomes markup. */

let numbers = 0;

/* Makes an element: `el("p", { class: "hint", text: "..." }, child)`. */
export function el(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") element.textContent = value;
    else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

export const byId = (id) => document.getElementById(id);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function freshId(kind) {
  numbers += 1;
  return `${kind}-${numbers}`;
}

export function button(text, run, options = {}) {
  return el("button", { type: "button", text, on: { click: run }, ...options });
}

/* Tells the forms around an element that what it holds has changed. */
export function tellChange(element) {
  element.dispatchEvent(new Event("input", { bubbles: true }));
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not over plain HTTP
    const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/* A button that copies what `give` returns, and says so. */
export function copyButton(give, label = "Copy") {
  const made = button(label, async () => {
    await copyText(give());
    setText(made, "Copied");
    setTimeout(() => setText(made, label), 1200);
  }, { class: "quiet" });
  return made;
}
