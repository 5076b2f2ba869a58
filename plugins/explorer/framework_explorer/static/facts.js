/* What the contract says about an event: words, tables, schemas, examples. */

import { copyButton, el } from "./dom.js";
import { showValue, toText } from "./values.js";

export function describe(text) {
  return text ? el("p", { class: "description", text }) : null;
}

export function warnDeprecated(deprecated) {
  return deprecated === null ? null : el("p", { class: "notice warn", text: `Deprecated. ${deprecated}` });
}

export function listGuards(guards) {
  return guards.length ? el("p", { class: "facts-line" }, el("span", { class: "muted", text: "Guards " }), ...guards.map((name) => el("span", { class: "chip", text: name }))) : null;
}

export function listErrors(errors) {
  if (!errors.length) return null;
  return section("Errors", el("dl", { class: "errors" }, ...errors.map(({ code, description }) => el("div", {}, el("dt", {}, el("code", { text: code })), el("dd", { text: description })))));
}

/* A table of arguments; null where nothing is declared. */
export function tableArguments(schemas, title, args) {
  if (args === null) return section(title, el("p", { class: "muted", text: "Nothing is declared about them." }));
  if (!args.length) return null;
  const rows = args.map(({ name, schema, required, variadic }) => {
    const found = schemas.resolve(schema);
    const how = [variadic ? "any number" : required ? "" : "optional", "default" in found ? `default ${toText(found.default, 0)}` : "", schemas.bounds(schema)];
    return el("tr", {}, el("th", { scope: "row" }, el("code", { text: name })), el("td", { text: schemas.words(schema) }),
      el("td", {}, el("span", { class: "muted", text: how.filter(Boolean).join(", ") }), found.description && el("p", { text: found.description })));
  });
  return section(title, el("table", { class: "arguments" }, el("tbody", {}, ...rows)));
}

export function saysAnswer(schemas, event) {
  const { ack, ack_rest: rest, stream } = event;
  const words = stream ? `a stream of ${schemas.words(stream)}`
    : ack === null ? "not declared"
      : [...ack.map((schema) => schemas.words(schema)), ...(rest ? [`any number of ${schemas.words(rest)}`] : [])].join(", ") || "an ack without value";
  return el("p", { class: "facts-line" }, el("span", { class: "muted", text: "Answer " }), el("span", { text: words }));
}

/* Schemas and examples, made when they are opened. parts: pairs of a name and a function that returns a value. */
export function foldedValues(title, parts) {
  const details = el("details", { class: "fold" }, el("summary", { text: title }));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    for (const [name, give] of parts) {
      const value = give();
      details.append(el("div", { class: "bar" }, el("h4", { text: name }), el("span", { class: "room-to-grow" }), copyButton(() => toText(value))), showValue(value));
    }
  });
  return details;
}

export function schemaOf(schemas, parts) {
  const used = parts.filter(([, value]) => value !== null && value !== undefined);
  const models = schemas.modelsOf(...used.map(([, value]) => value));
  return [...used.map(([name, value]) => [name, () => value]), ...(Object.keys(models).length ? [["Models", () => models]] : [])];
}

export function section(title, ...children) {
  return el("section", { class: "facts" }, el("h3", { text: title }), ...children);
}
