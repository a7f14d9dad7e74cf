// What an audited change has changed.

import type { AuditRecord } from "../api/access";
import { formatCount } from "../ui/format";

export interface Change {
  name: string;
  /** What was so before; null where there was nothing. */
  before: string | null;
  after: string | null;
}

/** How often a try was refused since the record before, as the record of a refusal holds it. */
const TIMES = "times";

/** "refused", or "refused 60 times". */
export function refusedText({ after }: Pick<AuditRecord, "after">): string {
  const times = Number((isObject(after) && after[TIMES]) || 1);
  return times > 1 ? `refused ${formatCount(times)} times` : "refused";
}

/** The fields that differ. Of what was added or removed, those that have a value; a refusal changes nothing. */
export function changesOf({ before, after, outcome }: Pick<AuditRecord, "before" | "after" | "outcome">): Change[] {
  if (outcome === "refused") return [];
  const [was, is] = [fieldsOfAll(before), fieldsOfAll(after)];
  const names = [...new Set([...was.keys(), ...is.keys()])];
  const changes = names.map((name): Change => ({ name, before: was.get(name) ?? null, after: is.get(name) ?? null }));
  return changes.filter((change) => change.before !== change.after);
}

type Fields = Map<string, string>;

/** Devices of an import whose fields are shown, at most. */
const SHOWN = 20;

/** The fields of an object, or of those of a list, each under its name. */
function fieldsOfAll(recorded: AuditRecord["before"]): Fields {
  if (!Array.isArray(recorded)) return fieldsOf(recorded);
  const each = recorded.slice(0, SHOWN).flatMap((one) => [...fieldsOf(one, `${String(one.name)}: `)]);
  return new Map(each);
}

/** The fields of an object and of the objects in it, with their values as text. */
function fieldsOf(object: Record<string, unknown> | null, prefix = ""): Fields {
  const fields: Fields = new Map();
  for (const [key, value] of Object.entries(object ?? {})) {
    const name = prefix + key.replaceAll("_", " ");
    if (isObject(value)) fieldsOf(value, `${name}: `).forEach((text, inner) => fields.set(inner, text));
    else if (value !== null) fields.set(name, textOf(key, value));
  }
  return fields;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(key: string, value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? value.map((one) => textOf(key, one)).join(", ") : key === "filters" ? "all devices" : "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return isObject(value) ? JSON.stringify(value) : String(value);
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Whether a value is a time, to be shown in the reader's time zone. */
export function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text));
}
