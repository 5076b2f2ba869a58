/*
 * Fields for JSON Schemas. An editor has an `element`, `read()`, `write(value)`, and, where there are parts in it,
 * `reject(path, message)`, which says whether the message found its place, and `clear()`.
 */

import { button, el, freshId, setText, tellChange } from "./dom.js";
import { asBytes, fromBase64, isBytes, isObject, parseText, readUtf8, toBase64, toText } from "./values.js";

export const MISSING = Symbol("missing");
const MAX_DEPTH = 12;
const LEAVES = ["const", "enum", "text", "number", "boolean", "null", "bytes", "json"];

/* Something in a form can't be sent; `isShown` where the field says so already. */
export class FormError extends Error {}

/* -- one field: a name, what it is, an editor, and what is wrong with it -- */

export function makeField(schemas, { name, schema, required = true, depth = 0, remove = null }) {
  const found = schemas.resolve(schema);
  const kind = depth > MAX_DEPTH ? "json" : schemas.kind(found);
  const id = freshId("field");
  const label = el(isGroup(kind) ? "span" : "label", { class: "name", id: `${id}-name`, for: isGroup(kind) ? null : id, text: name });
  const include = required ? null : el("input", { type: "checkbox", class: "include", "aria-label": `Send ${name}` });
  const problem = el("p", { class: "field-error", id: `${id}-error`, role: "alert", hidden: true });
  const control = el("div", { class: "control" });
  const isLine = kind === "variants" && isSimple(schemas, found, kind);
  const element = el("div", { class: `field ${kind}${isLine ? " simple" : ""}`, role: isGroup(kind) ? "group" : null, "aria-labelledby": isGroup(kind) ? `${id}-name` : null },
    el("div", { class: "field-head" }, include, label,
      el("span", { class: "type", text: [schemas.words(schema), schemas.bounds(schema)].filter(Boolean).join(", ") }),
      remove && button("×", remove, { class: "quiet remove", "aria-label": `Remove ${name}` })),
    found.description && el("p", { class: "hint", text: found.description }), control, problem);
  let editor = null;

  function build() {
    if (editor === null) {
      editor = EDITORS[kind](schemas, found, { id, label: `${id}-name`, depth });
      control.append(editor.element);
      if (kind !== "variants" && "default" in found) editor.write(found.default);
    }
    return editor;
  }
  function showIncluded() {
    const isOut = include !== null && !include.checked;
    if (!isOut) build();
    control.hidden = isOut && editor === null;
    element.classList.toggle("left-out", isOut);
  }
  function clear() {
    problem.hidden = true;
    setText(problem, "");
    setInvalid(false);
    editor?.clear?.();
  }
  function setInvalid(isInvalid) {
    element.classList.toggle("invalid", isInvalid);
    const input = control.querySelector(`#${id}`);
    if (input === null) return;
    input.setAttribute("aria-invalid", String(isInvalid));
    input.setAttribute("aria-describedby", problem.id);
  }
  function say(message) {
    if (!problem.textContent.split("\n").includes(message)) problem.textContent += (problem.textContent && "\n") + message;
    problem.hidden = false;
    setInvalid(true);
  }

  if (required || isSimple(schemas, found, kind)) build();
  control.addEventListener("input", () => {
    if (include !== null && !include.checked) include.checked = true;
    showIncluded();
  });
  include?.addEventListener("change", () => { clear(); showIncluded(); });
  showIncluded();

  return {
    name,
    element,
    clear,
    rename: (text) => setText(label, text),
    read() {
      if (include !== null && !include.checked) return MISSING;
      try {
        return build().read();
      } catch (error) {
        if (error instanceof FormError && !error.isShown) {
          say(error.message);
          error.isShown = true;
        }
        throw error;
      }
    },
    write(value) {
      clear();
      if (include !== null) include.checked = value !== MISSING;
      if (value !== MISSING) build().write(value);
      showIncluded();
    },
    reject(path, message) {
      if (path !== "" && (include === null || include.checked) && editor?.reject?.(path, message)) return;
      say(path === "" || path === name ? message : `${path}: ${message}`);
    },
  };
}

const isGroup = (kind) => ["object", "list", "variants", "bytes", "null", "const"].includes(kind);

function isSimple(schemas, found, kind) {
  if (kind !== "variants") return LEAVES.includes(kind);
  return schemas.variants(found).every((inner) => LEAVES.includes(schemas.kind(schemas.resolve(inner))));
}

/* Gives a message to the field whose name the path begins with. */
export function rejectIn(fields, path, message) {
  const found = fields.filter(({ name }) => path === name || path.startsWith(`${name}.`)).sort((one, other) => other.name.length - one.name.length)[0];
  if (found === undefined) return false;
  found.reject(path.slice(found.name.length + 1), message);
  return true;
}

/* -- editors without parts -- */

function fixed(value) {
  return { element: el("code", { class: "fixed", text: toText(value, 0) }), read: () => value, write() {} };
}

function editChoice(schemas, found, { id, label }) {
  const select = el("select", { id, "aria-labelledby": label }, ...found.enum.map((value, index) => el("option", { value: index, text: toText(value, 0) })));
  return {
    element: select,
    read: () => found.enum[Number(select.value)],
    write(value) {
      const index = found.enum.findIndex((one) => toText(one) === toText(value));
      if (index >= 0) select.value = String(index);
    },
  };
}

function editBoolean(schemas, found, { id, label }) {
  const box = el("input", { type: "checkbox", id, "aria-labelledby": label });
  return { element: box, read: () => box.checked, write(value) { box.checked = value === true; } };
}

function editNumber(schemas, found, { id, label }) {
  const input = el("input", { id, "aria-labelledby": label, inputmode: found.type === "integer" ? "numeric" : "decimal", autocomplete: "off", placeholder: found.examples?.[0] });
  return {
    element: input,
    read() {
      const text = input.value.trim();
      if (text === "") return MISSING;
      const number = Number(text);
      // What is no number goes as it is, for the server to say so; so do integers that JavaScript can't hold.
      return Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number)) ? number : text;
    },
    write(value) { input.value = value === MISSING || value === null ? "" : String(value); },
  };
}

const PICKERS = { date: "date", time: "time", "date-time": "datetime-local" };
const PLACEHOLDERS = { date: "2026-11-30", time: "09:30:00", "date-time": "2026-11-30T09:30:00Z", duration: "PT1H30M" };

function editText(schemas, found, { id, label }) {
  const options = { id, "aria-labelledby": label, autocomplete: "off", spellcheck: "false", placeholder: found.examples?.[0] ?? PLACEHOLDERS[found.format] };
  const isLine = found.format !== undefined;
  const input = isLine ? el("input", { ...options, type: found.format === "password" ? "password" : "text" }) : el("textarea", { ...options, rows: 1 });
  const element = isLine ? el("div", { class: "inline" }, input, ...helpers(found.format, input)) : input;
  return { element, read: () => input.value, write(value) { input.value = typeof value === "string" ? value : ""; } };
}

/* Returns what helps to write a text of some format. */
function helpers(format, input) {
  const set = (text) => { input.value = text; tellChange(input); };
  if (format === "uuid") return [button("New", () => set(makeUuid()))];
  if (!(format in PICKERS)) return [];
  const picker = el("input", { type: PICKERS[format], class: "picker", step: format === "date" ? null : 1, tabindex: -1, "aria-hidden": "true" });
  picker.addEventListener("input", (change) => {
    change.stopPropagation();
    if (picker.value) set(format === "date-time" ? new Date(picker.value).toISOString() : picker.value);
  });
  return [el("span", { class: "pick" }, button("Pick", () => picker.showPicker()), picker)];
}

function makeUuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function editJson(schemas, found, { id, label }) {
  const area = el("textarea", { id, "aria-labelledby": label, class: "mono", rows: 2, spellcheck: "false" });
  area.value = found.type === "array" ? "[]" : found.type === "object" ? "{}" : "null";
  return { element: area, read: () => readJson(area.value), write(value) { area.value = toText(value); } };
}

export function readJson(text) {
  try {
    return parseText(text);
  } catch (error) {
    throw new FormError(`This is no JSON: ${error.message}`);
  }
}

function editBytes(schemas, found, { id, label }) {
  const mode = el("select", { "aria-label": "Written as" }, ...["text", "base64", "file"].map((name) => el("option", { value: name, text: name })));
  const area = el("textarea", { id, "aria-labelledby": label, rows: 1, spellcheck: "false" });
  const file = el("input", { type: "file", "aria-labelledby": label, hidden: true });
  let chosen = null;
  const show = () => { area.hidden = mode.value === "file"; file.hidden = !area.hidden; };
  mode.addEventListener("change", show);
  file.addEventListener("change", async () => { chosen = file.files.length ? new Uint8Array(await file.files[0].arrayBuffer()) : null; });
  return {
    element: el("div", { class: "inline" }, mode, area, file),
    read() {
      if (mode.value === "text") return new TextEncoder().encode(area.value);
      if (mode.value === "file") {
        if (chosen === null) throw new FormError("Choose a file.");
        return chosen;
      }
      try {
        return fromBase64(area.value);
      } catch {
        throw new FormError("This is no base64.");
      }
    },
    write(value) {
      const text = isBytes(value) ? readUtf8(asBytes(value)) : String(value ?? "");
      mode.value = text === null ? "base64" : "text";
      area.value = text === null ? toBase64(asBytes(value)) : text;
      show();
    },
  };
}

/* -- editors with parts -- */

function editVariants(schemas, found, { id, label, depth }) {
  const variants = schemas.variants(found);
  const mapping = Object.entries(found.discriminator?.mapping ?? {});
  const nameOf = (inner) => mapping.find(([, target]) => target === inner.$ref)?.[0] ?? schemas.words(inner);
  const select = el("select", { id, class: "which", "aria-label": "Which kind" }, ...variants.map((inner, index) => el("option", { value: index, text: nameOf(inner) })));
  const place = el("div", { class: "variant" });
  const editors = [];
  const chosen = () => {
    const index = Number(select.value);
    const inner = schemas.resolve(variants[index]);
    editors[index] ??= EDITORS[depth > MAX_DEPTH ? "json" : schemas.kind(inner)](schemas, inner, { id: freshId("part"), label, depth: depth + 1 });
    if (place.firstChild !== editors[index].element) place.replaceChildren(editors[index].element);
    place.hidden = schemas.kind(inner) === "null"; // the choice says it
    return editors[index];
  };
  function write(value) {
    const index = variants.findIndex((inner) => schemas.fits(inner, value));
    if (index >= 0) select.value = String(index);
    chosen().write(value);
  }
  select.addEventListener("input", chosen);
  if ("default" in found) write(found.default);
  else chosen();
  return {
    element: el("div", { class: "variants" }, select, place),
    read: () => chosen().read(),
    write,
    reject: (path, message) => chosen().reject?.(path, message) ?? false,
    clear: () => editors.forEach((editor) => editor.clear?.()),
  };
}

function editObject(schemas, found, { depth }) {
  const needed = new Set(found.required ?? []);
  const fields = Object.entries(found.properties ?? {}).map(([name, schema]) => makeField(schemas, { name, schema, required: needed.has(name), depth: depth + 1 }));
  const open = isObject(found.additionalProperties) ? found.additionalProperties : found.additionalProperties === true ? {} : null;
  const entries = open && editEntries(schemas, open, depth);
  return {
    element: el("div", { class: "parts" }, ...fields.map((field) => field.element), entries?.element),
    read() {
      const known = fields.map((field) => [field.name, field.read()]).filter(([, value]) => value !== MISSING);
      return Object.fromEntries([...known, ...(entries?.read() ?? [])]);
    },
    write(value) {
      const given = isObject(value) ? value : {};
      for (const field of fields) field.write(Object.hasOwn(given, field.name) ? given[field.name] : MISSING);
      const names = new Set(fields.map((field) => field.name));
      entries?.write(Object.entries(given).filter(([name]) => !names.has(name)));
    },
    reject: (path, message) => rejectIn(fields, path, message) || (entries?.reject(path, message) ?? false),
    clear() { fields.forEach((field) => field.clear()); entries?.clear(); },
  };
}

/* The entries of a map: a key and a value each. */
function editEntries(schemas, schema, depth) {
  const list = el("div", { class: "parts" });
  let rows = [];
  function add(name = "", value = undefined) {
    const key = el("input", { class: "key", "aria-label": "Key", placeholder: "key", autocomplete: "off", spellcheck: "false" });
    key.value = name;
    const row = { key };
    row.field = makeField(schemas, { name: "value", schema, depth: depth + 1, remove: () => {
      rows = rows.filter((other) => other !== row);
      row.element.remove();
      tellChange(list);
    } });
    if (value !== undefined) row.field.write(value);
    row.element = el("div", { class: "entry" }, key, row.field.element);
    rows.push(row);
    list.append(row.element);
    return row;
  }
  const addButton = button("Add an entry", () => { add().key.focus(); tellChange(list); }, { class: "quiet" });
  return {
    element: el("div", {}, list, addButton),
    read: () => rows.map(({ key, field }) => [key.value, orNull(field.read())]),
    write(pairs) {
      rows = [];
      list.replaceChildren();
      for (const [name, value] of pairs) add(name, value);
    },
    reject(path, message) {
      const fields = rows.map(({ key, field }) => ({ name: key.value, reject: field.reject }));
      if (rejectIn(fields, path, message)) return true;
      if (rows.length !== 1 || !path.startsWith("*")) return false; // the server does not repeat a client's own keys
      rows[0].field.reject(path.slice(2), message);
      return true;
    },
    clear: () => rows.forEach(({ field }) => field.clear()),
  };
}

function editList(schemas, found, { depth }) {
  const first = found.prefixItems ?? [];
  const least = found.minItems ?? 0;
  const list = el("div", { class: "parts" });
  let items = first.map((schema, index) => makeField(schemas, { name: String(index), schema, required: index < least, depth: depth + 1 }));
  list.append(...items.map((item) => item.element));
  function add() {
    const item = makeField(schemas, { name: String(items.length), schema: found.items, depth: depth + 1, remove: () => drop(item) });
    items.push(item);
    list.append(item.element);
    return item;
  }
  function drop(item) {
    items = items.filter((other) => other !== item);
    item.element.remove();
    items.forEach((other, index) => { other.name = String(index); other.rename(other.name); });
    tellChange(list);
  }
  const canGrow = isObject(found.items);
  const addButton = canGrow && button("Add an item", () => {
    const item = add();
    tellChange(list);
    item.element.querySelector("input, textarea, select")?.focus();
  }, { class: "quiet" });
  if (canGrow) while (items.length < Math.min(least, 20)) add();
  return {
    element: el("div", {}, list, addButton),
    read: () => withoutMissing(items.map((item) => item.read())),
    write(value) {
      const given = Array.isArray(value) ? value : [];
      for (const item of items.splice(first.length)) item.element.remove();
      items.forEach((item, index) => item.write(index < given.length ? given[index] : MISSING));
      if (canGrow) for (const one of given.slice(first.length)) add().write(one);
    },
    reject: (path, message) => rejectIn(items, path, message),
    clear: () => items.forEach((item) => item.clear()),
  };
}

export const orNull = (value) => (value === MISSING ? null : value);

export function withoutMissing(values) {
  let end = values.length;
  while (end > 0 && values[end - 1] === MISSING) end -= 1;
  return values.slice(0, end).map(orNull);
}

const EDITORS = {
  const: (schemas, found) => fixed(found.const),
  null: () => fixed(null),
  enum: editChoice,
  boolean: editBoolean,
  number: editNumber,
  text: editText,
  bytes: editBytes,
  json: editJson,
  variants: editVariants,
  object: editObject,
  list: editList,
};
