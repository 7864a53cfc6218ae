// Writes the API's types for the type checker, from the same document that
// programs use. They are not committed: `npm run check` makes them anew.

import { readFile, writeFile } from "node:fs/promises";

const source = new URL("../../docs/openapi.json", import.meta.url);
const { components } = JSON.parse(await readFile(source, "utf8"));

/** @param {any} schema @returns {string} */
function type(schema) {
  if (schema === true) return "unknown";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((/** @type {unknown} */ value) => JSON.stringify(value)).join(" | ");
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return choice.map(type).join(" | ");
  if (Array.isArray(schema.type)) {
    return schema.type.map((/** @type {string} */ one) => type({ ...schema, type: one })).join(" | ");
  }
  switch (schema.type) {
    case "integer":
      return "number";
    case "array":
      return `Array<${schema.items ? type(schema.items) : "unknown"}>`;
    case "object":
      return object(schema);
    default:
      return schema.type ?? "unknown";
  }
}

/** @param {any} schema */
function object({ properties = {}, required = [], additionalProperties }) {
  const fields = Object.entries(properties).map(
    ([name, field]) => `${JSON.stringify(name)}${required.includes(name) ? "" : "?"}: ${type(field)};`,
  );
  if (typeof additionalProperties === "object") {
    fields.push(`[name: string]: ${type(additionalProperties)};`);
  }
  return `{ ${fields.join(" ")} }`;
}

const types = Object.entries(components.schemas).map(([name, schema]) => `export type ${name} = ${type(schema)};\n`);
await writeFile(new URL("api-types.d.ts", import.meta.url), types.join(""));
