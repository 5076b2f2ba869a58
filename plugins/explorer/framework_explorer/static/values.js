/* Values to text and back. Bytes are written {"$bytes": "<base64>"}. */

import { el } from "./dom.js";

const BYTES = "$bytes";
const MAX_SHOWN = 100_000;
const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

export const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isBytes(value);

export function asBytes(value) {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function toBase64(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(text);
}

export function fromBase64(text) {
  const decoded = atob(text.replace(/\s+/g, "").replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(decoded, (letter) => letter.charCodeAt(0));
}

/* Returns the bytes' text, or null where they are none. */
export function readUtf8(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function withoutBytes(value) {
  if (isBytes(value)) return { [BYTES]: toBase64(asBytes(value)) };
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBytes(inner)]));
  return value;
}

/* Writes a value as JSON. */
export function toText(value, indent = 2) {
  return JSON.stringify(withoutBytes(value), null, indent) ?? "";
}

/* Says whether two values are written alike, whatever the order of keys. */
export function isSame(one, other) {
  return JSON.stringify(sorted(withoutBytes(one))) === JSON.stringify(sorted(withoutBytes(other)));
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]);
}

/* Reads JSON. Throws a SyntaxError where it is none, or where bytes are no base64. */
export function parseText(text) {
  return JSON.parse(text, (key, value) => {
    if (!isObject(value) || typeof value[BYTES] !== "string" || Object.keys(value).length !== 1) return value;
    try {
      return fromBase64(value[BYTES]);
    } catch {
      throw new SyntaxError(`${value[BYTES].slice(0, 20)} is no base64`);
    }
  });
}

/* Returns the text of a value, cut where it is long. */
export function clip(value, indent = 2, most = MAX_SHOWN) {
  const text = toText(value, indent);
  return text.length > most ? `${text.slice(0, most)} ... (${text.length.toLocaleString("en")} characters)` : text;
}

/* Returns a block that shows a value, with its parts in colours. */
export function showValue(value) {
  const text = clip(value);
  const block = el("pre", { class: "value", tabindex: "0" });
  if (text.length > 20_000) {
    block.textContent = text;
    return block;
  }
  let end = 0;
  for (const found of text.matchAll(TOKENS)) {
    block.append(text.slice(end, found.index));
    const [whole, string, colon, number] = found;
    const kind = colon ? "key" : string ? "string" : number ? "number" : "word";
    block.append(el("span", { class: kind, text: colon ? string : whole }), colon ?? "");
    end = found.index + whole.length;
  }
  block.append(text.slice(end));
  return block;
}

export function showMilliseconds(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}
