// Writes src/api/types.ts from the server's OpenAPI document; with --check it fails when that file is out of date.
// It knows the part of JSON Schema that the document uses, and refuses the rest.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DOCUMENT = fileURLToPath(new URL("../../api/openapi.json", import.meta.url));
const TYPES = fileURLToPath(new URL("src/api/types.ts", import.meta.url));
const SIMPLE = { string: "string", number: "number", integer: "number", boolean: "boolean", null: "null" };
// These restrict a value, and not its type.
const RESTRICTIONS = ["format", "minimum", "maximum", "minLength", "maxLength", "pattern", "maxItems", "minItems", "default", "example", "examples", "title"];
const KNOWN = ["type", "description", "enum", "const", "$ref", "required", "properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf", ...RESTRICTIONS];

main();

function main() {
  const isCheck = process.argv.includes("--check");
  // Image builds have the page's folder only, with the types as they were committed.
  if (!isCheck && !existsSync(DOCUMENT)) return;
  const types = typesOf(JSON.parse(readFileSync(DOCUMENT, "utf8")));
  const written = existsSync(TYPES) ? readFileSync(TYPES, "utf8") : "";
  if (types === written) return;
  if (isCheck) {
    console.error("src/api/types.ts does not match the OpenAPI document. Run: npm run types");
    process.exit(1);
  }
  writeFileSync(TYPES, types);
}

function typesOf({ components, paths }) {
  const schemas = Object.entries(components.schemas).map(([name, schema]) => declarationOf(name, schema));
  const answers = Object.entries(paths).flatMap(([path, { get }]) => answerOf(path, get));
  return [
    "// Generated from the server's OpenAPI document by api-types.mjs; run `npm run types` after changing it.\n",
    ...schemas,
    `/** What each path answers to GET. */\nexport interface Answers {\n${answers.join("")}}\n`,
  ].join("\n");
}

function declarationOf(name, schema) {
  const comment = commentOf(schema, "");
  const type = typeOf(schema, "");
  return schema.properties ? `${comment}export interface ${name} ${type}\n` : `${comment}export type ${name} = ${type};\n`;
}

function answerOf(path, get) {
  const schema = get?.responses["200"]?.content?.["application/json"]?.schema;
  return schema ? [`  ${JSON.stringify(path.slice(1))}: ${typeOf(schema, "  ")};\n`] : [];
}

function typeOf(schema, indent) {
  const unknown = Object.keys(schema).find((key) => !KNOWN.includes(key));
  if (unknown) throw new Error(`api-types.mjs does not know the schema keyword ${unknown}`);
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.properties) return objectOf(schema, indent);
  if (schema.allOf) return schema.allOf.map((part) => typeOf(part, indent)).join(" & ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => typeOf(choice, indent)).join(" | ");
  if (schema.items) return arrayOf(schema, indent);
  // Any JSON.
  if (schema.type === undefined) return "unknown";
  if (schema.type === "object") return "Record<string, unknown>";
  return [schema.type].flat().map((type) => SIMPLE[type] ?? unsupported(type)).join(" | ");
}

function unsupported(type) {
  throw new Error(`api-types.mjs does not know the type ${type}`);
}

function objectOf({ properties, required = [] }, indent) {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, schema]) => {
    const mark = required.includes(name) ? "" : "?";
    return `${commentOf(schema, inner)}${inner}${name}${mark}: ${typeOf(schema, inner)};\n`;
  });
  return `{\n${fields.join("")}${indent}}`;
}

function arrayOf({ items, minItems, maxItems }, indent) {
  const type = typeOf(items, indent);
  if (minItems !== undefined && minItems === maxItems) return `[${Array(minItems).fill(type).join(", ")}]`;
  return `${type.includes("|") ? `(${type})` : type}[]`;
}

function commentOf({ description }, indent) {
  return description ? `${indent}/** ${description}${/[.!?]$/.test(description) ? "" : "."} */\n` : "";
}
