// The fields of a form for the arguments of a command, as the schema of its type says what they are.

import type { Field } from "../ui/submit";

/** What this page understands of a JSON schema. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  default?: unknown;
}

export type FieldKind = "number" | "integer" | "text" | "flag" | "choice" | "json";

export interface SchemaField {
  /** The name of the property, and of the form's field with `PREFIX` before it. */
  name: string;
  kind: FieldKind;
  label: string;
  isRequired: boolean;
  schema: Schema;
}

/** Before the names of fields, so that none is called as another one of the form. */
export const PREFIX = "arg:";

/** One field for each property, in their order; null where the arguments are no object with known properties. */
export function fieldsOf(schema: Schema | null): SchemaField[] | null {
  if (schema === null || !typesOf(schema).includes("object")) return null;
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    kind: kindOf(property),
    label: property.title ?? name,
    isRequired: required.includes(name),
    schema: property,
  }));
}

function typesOf({ type }: Schema): string[] {
  return [type ?? []].flat();
}

function kindOf(schema: Schema): FieldKind {
  if (schema.enum) return "choice";
  const [type] = typesOf(schema).filter((one) => one !== "null");
  if (type === "integer" || type === "number") return type;
  if (type === "boolean") return "flag";
  return type === "string" ? "text" : "json";
}

/** What a field begins with. */
export function initialOf({ kind, schema }: SchemaField): string {
  if (schema.default === undefined) return "";
  return kind === "json" || kind === "choice" ? JSON.stringify(schema.default) : String(schema.default);
}

/** The arguments that a form has: fields that are empty and need not be given are left out; undefined where none is left. */
export function argsFrom(fields: SchemaField[], field: Field): object | undefined {
  const given = fields.flatMap((one) => {
    const text = field(PREFIX + one.name);
    if (one.kind === "flag") return [[one.name, text !== ""] as const];
    return text.trim() === "" && !(one.kind === "text" && one.isRequired) ? [] : [[one.name, valueOf(one, text)] as const];
  });
  return given.length > 0 || fields.some(({ isRequired }) => isRequired) ? Object.fromEntries(given) : undefined;
}

function valueOf({ kind, label }: SchemaField, text: string): unknown {
  if (kind === "number" || kind === "integer") return Number(text);
  if (kind === "text") return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${label} must be JSON`);
  }
}
