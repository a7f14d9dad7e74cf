import { useState } from "preact/hooks";
import type { TypeCommand } from "../api/types-of-devices";
import { Text } from "../ui/Text";
import { fieldsOf, type Schema } from "./schema-form";
import { SchemaFields } from "./SchemaFields";

/** What stands for a command that the type of the device does not know. */
export const OTHER = "";

/** The fields of a command: one of those that the type of the device knows, or any other. */
export function CommandFields({ known = [] }: { known?: TypeCommand[] }) {
  const [chosen, choose] = useState(known[0]?.name ?? OTHER);
  const command = known.find(({ name }) => name === chosen);
  const fields = command ? fieldsOf((command.args ?? null) as Schema | null) : null;
  return (
    <>
      {known.length > 0 && (
        <label>
          <span>Command</span>
          <select name="known" value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
            {known.map(({ name, title }) => <option key={name} value={name}><Text of={title ? `${name}: ${title}` : name} /></option>)}
            <option value={OTHER}>another one…</option>
          </select>
        </label>
      )}
      {!command && <Name isFirst={known.length === 0} />}
      {fields ? <SchemaFields key={chosen} fields={fields} /> : <Arguments />}
      <label>
        <span>Worth sending for <small>such as <code>10m</code>; an hour where empty</small></span>
        <input name="expires_in" autocomplete="off" autocapitalize="none" spellcheck={false} />
      </label>
    </>
  );
}

function Name({ isFirst }: { isFirst: boolean }) {
  return (
    <label>
      <span>{isFirst ? "Command" : "Its name"} <small>such as <code>reboot</code></small></span>
      <input name="command" required maxLength={64} pattern="[A-Za-z0-9_.:\-]+" autocomplete="off" autocapitalize="none" spellcheck={false} />
    </label>
  );
}

function Arguments() {
  return (
    <label>
      <span>Arguments <small>JSON, such as <code>{'{"seconds": 10}'}</code>; may be empty</small></span>
      <textarea name="args" rows={2} autocomplete="off" spellcheck={false} />
    </label>
  );
}
