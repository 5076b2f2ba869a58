/* JSON Schemas of the contract: what they refer to, what kind they are, and how they are said in words. */

import { isBytes, isObject, toText } from "./values.js";

const PREFIX = "#/models/";
const FORMATS = {
  binary: "bytes", date: "date", time: "time", "date-time": "date and time", duration: "duration", uuid: "UUID",
  email: "email address", uri: "URI", ipv4: "IPv4 address", ipv6: "IPv6 address", password: "secret text",
};
const TYPES = { string: "text", integer: "integer", number: "number", boolean: "true or false", null: "null", object: "object", array: "list" };

export class Schemas {
  constructor(models) {
    this.models = new Map(Object.entries(models));
  }

  nameOf(schema) {
    return typeof schema.$ref === "string" && schema.$ref.startsWith(PREFIX) ? schema.$ref.slice(PREFIX.length) : null;
  }

  /* Follows references; what stands beside them wins. */
  resolve(schema) {
    if (!isObject(schema)) return {};
    const { $ref, allOf, ...beside } = schema;
    if ($ref === undefined) return Array.isArray(allOf) && allOf.length === 1 ? { ...this.resolve(allOf[0]), ...beside } : schema;
    const model = this.models.get(this.nameOf(schema));
    return model === undefined ? beside : { ...this.resolve(model), ...beside };
  }

  variants(schema) {
    const many = schema.oneOf ?? schema.anyOf;
    if (Array.isArray(many)) return many;
    return Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : null;
  }

  /* Says which editor a resolved schema needs. */
  kind(schema) {
    if ("const" in schema) return "const";
    if (Array.isArray(schema.enum)) return "enum";
    if (this.variants(schema)) return "variants";
    const type = schema.type;
    if (type === "string") return schema.format === "binary" ? "bytes" : "text";
    if (type === "integer" || type === "number") return "number";
    if (type === "boolean" || type === "null") return type;
    if (type === "array") return schema.prefixItems || isObject(schema.items) ? "list" : "json";
    if (type === "object") return schema.properties || isObject(schema.additionalProperties) ? "object" : "json";
    return "json";
  }

  /* Says in words what a value is. */
  words(schema, depth = 0) {
    const found = this.resolve(schema);
    const name = isObject(schema) ? this.nameOf(schema) : null;
    if ("const" in found) return toText(found.const, 0);
    if (Array.isArray(found.enum)) {
      const more = found.enum.length > 8 ? [`${found.enum.length - 8} more`] : [];
      return [...found.enum.slice(0, 8).map((value) => toText(value, 0)), ...more].join(" | ");
    }
    if (name !== null && found.type === "object") return found.title ?? name;
    if (depth > 4) return name ?? "...";
    const variants = this.variants(found);
    if (variants) return [...new Set(variants.map((inner) => this.words(inner, depth + 1)))].join(" or ");
    if (found.type === "string") return FORMATS[found.format] ?? (found.format ? `text (${found.format})` : "text");
    if (found.type === "array") return this.#listWords(found, depth + 1);
    if (found.type === "object" && !found.properties && isObject(found.additionalProperties)) {
      return `map of ${this.words(found.additionalProperties, depth + 1)}`;
    }
    if (found.type === "object") return found.title ?? "object";
    return TYPES[found.type] ?? "anything";
  }

  #listWords(found, depth) {
    if (found.prefixItems) return `[${found.prefixItems.map((inner) => this.words(inner, depth)).join(", ")}]`;
    const inner = isObject(found.items) ? this.words(found.items, depth) : "anything";
    return `${found.uniqueItems ? "set" : "list"} of ${inner}`;
  }

  /* Says what a value has to keep to. */
  bounds(schema) {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength, minItems, maxItems, pattern } = this.resolve(schema);
    const said = [
      [minimum, "at least"], [exclusiveMinimum, "more than"], [maximum, "at most"], [exclusiveMaximum, "less than"], [multipleOf, "a multiple of"],
    ].filter(([value]) => value !== undefined).map(([value, words]) => `${words} ${value}`);
    said.push(...range(minLength, maxLength, "characters"));
    if (!this.resolve(schema).prefixItems) said.push(...range(minItems, maxItems, "items"));
    if (pattern !== undefined) said.push(`like ${pattern}`);
    if (this.resolve(schema).deprecated === true) said.push("deprecated");
    return said.join(", ");
  }

  /* Returns the models that schemas refer to, and those that these refer to, by name. */
  modelsOf(...schemas) {
    const found = new Map();
    const look = (value) => {
      if (Array.isArray(value)) value.forEach(look);
      else if (isObject(value)) {
        const name = this.nameOf(value);
        if (name !== null && this.models.has(name) && !found.has(name)) {
          found.set(name, this.models.get(name));
          look(this.models.get(name));
        }
        Object.values(value).forEach(look);
      }
    };
    look(schemas);
    return Object.fromEntries([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /* Says whether a value may be meant by a schema; it does not look far into it. */
  fits(schema, value) {
    const found = this.resolve(schema);
    if ("const" in found) return toText(found.const) === toText(value);
    if (Array.isArray(found.enum)) return found.enum.some((one) => toText(one) === toText(value));
    const variants = this.variants(found);
    if (variants) return variants.some((inner) => this.fits(inner, value));
    if (found.type === "string") return found.format === "binary" ? isBytes(value) || typeof value === "string" : typeof value === "string";
    if (found.type === "integer") return Number.isInteger(value);
    if (found.type === "null") return value === null;
    if (found.type === "array") return Array.isArray(value) && (!isObject(found.items) || value.every((item) => this.fits(found.items, item)));
    if (found.type === "object") return isObject(value) && this.#fitsFields(found, value);
    return found.type === undefined || typeof value === found.type;
  }

  /* Returns an example with bytes where the schema has them; in JSON they are texts. */
  withBytes(schema, value) {
    const found = this.resolve(schema);
    const fitting = this.variants(found)?.find((inner) => this.fits(inner, value));
    if (fitting !== undefined) return this.withBytes(fitting, value);
    if (found.format === "binary" && typeof value === "string") return new TextEncoder().encode(value);
    if (Array.isArray(value)) return value.map((item, index) => this.withBytes(found.prefixItems?.[index] ?? found.items, item));
    if (!isObject(value)) return value;
    const fields = found.properties ?? {};
    const schemaOf = (name) => (Object.hasOwn(fields, name) ? fields[name] : found.additionalProperties);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.withBytes(schemaOf(name), inner)]));
  }

  #fitsFields(found, value) {
    const fields = found.properties ?? {};
    return (found.required ?? []).every((name) => Object.hasOwn(value, name))
      && Object.entries(value).every(([name, inner]) => (Object.hasOwn(fields, name) ? this.fits(fields[name], inner) : found.additionalProperties !== false));
  }
}

function range(least, most, unit) {
  if (least !== undefined && most !== undefined) return [least === most ? `${least} ${unit}` : `${least} to ${most} ${unit}`];
  if (least !== undefined) return [`at least ${least} ${unit}`];
  return most !== undefined ? [`at most ${most} ${unit}`] : [];
}
