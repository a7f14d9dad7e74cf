import assert from "node:assert/strict";
import { test } from "node:test";
import { argsFrom, fieldsOf, initialOf, PREFIX, type Schema } from "./schema-form";

const schema: Schema = {
  type: ["object", "null"],
  required: ["seconds"],
  properties: {
    seconds: { type: "number", title: "Seconds", minimum: 1, default: 10 },
    times: { type: "integer" },
    mode: { enum: ["fast", 2], default: 2 },
    loud: { type: "boolean" },
    name: { type: ["string", "null"] },
    list: { type: "array" },
  },
};

const form = (values: Record<string, string>) => (name: string) => values[name.slice(PREFIX.length)] ?? "";

test("each property is a field of its kind", () => {
  const fields = fieldsOf(schema)!;
  assert.deepEqual(fields.map(({ name, kind }) => [name, kind]), [["seconds", "number"], ["times", "integer"], ["mode", "choice"], ["loud", "flag"], ["name", "text"], ["list", "json"]]);
  assert.deepEqual([fields[0]!.label, fields[1]!.label, fields[0]!.isRequired, fields[1]!.isRequired], ["Seconds", "times", true, false]);
  assert.deepEqual(fields.map(initialOf), ["10", "", "2", "", "", ""]);
});

test("without known properties there are no fields", () => {
  assert.equal(fieldsOf(null), null);
  assert.equal(fieldsOf({ enum: ["ON"] }), null);
  assert.deepEqual(fieldsOf({ type: "object" }), []);
});

test("arguments have what was written, as what it is", () => {
  const fields = fieldsOf(schema)!;
  assert.deepEqual(argsFrom(fields, form({ seconds: "2.5", mode: '"fast"', loud: "on", name: "a", list: "[1]" })), { seconds: 2.5, mode: "fast", loud: true, name: "a", list: [1] });
  assert.deepEqual(argsFrom(fields, form({ seconds: "1" })), { seconds: 1, loud: false });
  assert.throws(() => argsFrom(fields, form({ seconds: "1", list: "[" })), /list must be JSON/);
  assert.equal(argsFrom([], form({})), undefined);
  assert.equal(argsFrom(fieldsOf({ type: "object", properties: { times: { type: "integer" } } })!, form({})), undefined);
});
