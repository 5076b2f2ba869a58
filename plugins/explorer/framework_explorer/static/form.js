/* Whole forms: the arguments of an event, or one value, which can be written as JSON, too. */

import { button, el, setText } from "./dom.js";
import { FormError, MISSING, makeField, orNull, readJson, rejectIn, withoutMissing } from "./field.js";
import { isSame, toText } from "./values.js";

/* The arguments of an event, as a list. */
export function makeArguments(schemas, args) {
  const fields = args.map(({ name, schema, required, variadic }) => makeField(schemas, {
    name, schema: variadic ? { type: "array", items: schema } : schema, required: required || variadic,
  }));
  const rest = args.at(-1)?.variadic ? fields.at(-1) : null;
  const named = fields.length > 1 || rest !== null;
  const element = el("div", { class: "parts" }, ...fields.map((field) => field.element));
  if (!fields.length) element.append(el("p", { class: "muted", text: "It takes no arguments." }));
  return {
    element,
    read() {
      const values = fields.map((field) => field.read());
      const more = rest === null ? [] : values.pop();
      if (more.length === 0) return withoutMissing(values);
      const defaults = args.map(({ schema }) => schema.default ?? null); // one that is left out before others that are not
      return [...values.map((value, index) => (value === MISSING ? defaults[index] : value)), ...more];
    },
    write(values) {
      const alone = rest === null ? fields : fields.slice(0, -1);
      alone.forEach((field, index) => field.write(index < values.length ? values[index] : MISSING));
      rest?.write(values.slice(alone.length));
    },
    reject(path, message) {
      if (named) return rejectIn(fields, path, message);
      fields[0]?.reject(path, message);
      return fields.length > 0;
    },
    clear: () => fields.forEach((field) => field.clear()),
  };
}

/* One value: what a client sends as auth, or answers. */
export function makeValue(schemas, name, schema, required = true) {
  const field = makeField(schemas, { name, schema, required });
  return {
    element: el("div", { class: "parts" }, field.element),
    read: () => field.read(),
    write: (value) => field.write(value),
    reject(path, message) { field.reject(path, message); return true; },
    clear: field.clear,
  };
}

/*
 * A form that can be written as JSON, too.
 * isList: the JSON has to be a list. example: a value, or undefined. actions: buttons at the right of the others.
 */
export function makeRequest(form, { label, isList = false, example = undefined }) {
  const area = el("textarea", { class: "mono json", rows: 6, spellcheck: "false", "aria-label": `${label} as JSON` });
  const problem = el("p", { class: "field-error", role: "alert", hidden: true });
  const json = el("div", { hidden: true }, area, problem);
  const toForm = button("Form", () => show("form"), { "aria-pressed": "true" });
  const toJson = button("JSON", () => show("json"), { "aria-pressed": "false" });
  let mode = "form";

  function say(message) {
    setText(problem, message);
    problem.hidden = message === "";
    area.setAttribute("aria-invalid", String(message !== ""));
  }
  function readArea() {
    try {
      const text = area.value.trim();
      const value = text === "" ? MISSING : readJson(text);
      if (isList && !Array.isArray(value)) throw new FormError('The arguments are a JSON list, such as ["hello", {"n": 1}].');
      return value;
    } catch (error) {
      say(error.message);
      error.isShown = true;
      throw error;
    }
  }
  function setMode(wanted) {
    mode = wanted;
    form.element.hidden = mode === "json";
    json.hidden = mode === "form";
    toForm.setAttribute("aria-pressed", String(mode === "form"));
    toJson.setAttribute("aria-pressed", String(mode === "json"));
  }
  /* Shows a value in the form, or as JSON where the form can't. */
  function write(value) {
    form.write(value);
    const isShown = isSame(orNull(readQuietly(form)), orNull(value));
    area.value = value === MISSING ? "" : toText(value);
    setMode(isShown ? mode : "json");
    say(isShown ? "" : "The form can't show this; it stays JSON.");
  }
  function show(wanted) {
    try {
      if (wanted === mode) return;
      if (wanted === "form") {
        const value = readArea();
        setMode("form");
        write(value);
      } else {
        const value = form.read();
        area.value = value === MISSING ? "" : toText(value);
        say("");
        setMode("json");
      }
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
    }
  }
  const fill = example !== undefined && button("Example", () => write(example), { class: "quiet" });
  return {
    element: el("div", { class: "request" },
      el("div", { class: "bar" }, el("h3", { text: label }), el("span", { class: "room-to-grow" }), fill, el("span", { class: "switch", role: "group", "aria-label": "Written as" }, toForm, toJson)),
      form.element, json),
    write,
    read() {
      this.clear();
      return mode === "json" ? readArea() : form.read();
    },
    clear() { say(""); form.clear(); },
    reject(path, message) {
      if (mode === "form" && path !== "") return form.reject(path, message);
      if (mode === "json") say([...new Set([...problem.textContent.split("\n").filter(Boolean), path ? `${path}: ${message}` : message])].join("\n"));
      return mode === "json";
    },
    setMode: show,
  };
}

function readQuietly(form) {
  try {
    return form.read();
  } catch (error) {
    if (error instanceof FormError) return MISSING;
    throw error;
  }
}
