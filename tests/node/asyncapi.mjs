// Reads an AsyncAPI document with the official parser and prints what it has to say about it.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf-8"));
const said = diagnostics.map((found) => ({
  severity: ["error", "warning", "info", "hint"][found.severity],
  code: found.code,
  path: found.path.join("."),
  message: found.message,
}));
const operations = document?.operations().all() ?? [];
console.log(
  JSON.stringify({
    version: document?.version() ?? null,
    diagnostics: said,
    channels: document?.channels().all().map((channel) => channel.address()) ?? [],
    operations: operations.map((operation) => ({
      id: operation.id(),
      action: operation.action(),
      messages: operation.messages().all().map((message) => message.id()),
      reply: operation.reply()?.messages().all().map((message) => message.id()) ?? null,
    })),
    schemas: document?.components().schemas().all().map((schema) => schema.id()) ?? [],
    securitySchemes: document?.securitySchemes().all().map((scheme) => scheme.id()) ?? [],
  }),
);
