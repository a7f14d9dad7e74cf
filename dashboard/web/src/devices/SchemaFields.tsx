import { Text } from "../ui/Text";
import { initialOf, PREFIX, type SchemaField } from "./schema-form";

/** The arguments of a command that the type of the device knows. */
export function SchemaFields({ fields }: { fields: SchemaField[] }) {
  if (fields.length === 0) return <p>It takes no arguments.</p>;
  return <>{fields.map((field) => <One key={field.name} of={field} />)}</>;
}

function One({ of }: { of: SchemaField }) {
  const { label, kind, schema } = of;
  if (kind === "flag") return <label class="device-check"><input type="checkbox" name={PREFIX + of.name} defaultChecked={schema.default === true} /> <Text of={label} /></label>;
  return (
    <label>
      <span><Text of={label} />{schema.description !== undefined && <> <small><Text of={schema.description} /></small></>}</span>
      <Control of={of} />
    </label>
  );
}

function Control({ of }: { of: SchemaField }) {
  const { kind, schema, isRequired } = of;
  const common = { name: PREFIX + of.name, required: isRequired };
  if (kind === "choice") return <Choice of={of} />;
  if (kind === "number" || kind === "integer") return <input {...common} type="number" step={kind === "integer" ? 1 : "any"} min={schema.minimum} max={schema.maximum} defaultValue={initialOf(of)} />;
  if (kind === "text") return <input {...common} minLength={schema.minLength} maxLength={schema.maxLength} autocomplete="off" defaultValue={initialOf(of)} />;
  return <textarea {...common} rows={2} placeholder="JSON" autocomplete="off" spellcheck={false} defaultValue={initialOf(of)} />;
}

function Choice({ of }: { of: SchemaField }) {
  const choices = (of.schema.enum ?? []).map((value) => JSON.stringify(value));
  return (
    <select name={PREFIX + of.name} required={of.isRequired} defaultValue={initialOf(of)}>
      {!of.isRequired && <option value="" />}
      {choices.map((value) => <option key={value} value={value}>{value.replace(/^"(.*)"$/, "$1")}</option>)}
    </select>
  );
}
