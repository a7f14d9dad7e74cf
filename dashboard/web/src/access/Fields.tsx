import type { Role } from "../api/access";
import { MOST_FILTERS } from "./filter-list";
import { ROLE_TEXTS } from "./roles";

/** The fields that several forms have. */

export function RoleField({ roles, value }: { roles: Role[]; value: Role }) {
  return (
    <label>
      Role
      <select name="role">
        {roles.map((role) => <option key={role} value={role} selected={role === value}>{role}: {ROLE_TEXTS[role]}</option>)}
      </select>
    </label>
  );
}

export function FiltersField({ value }: { value: string }) {
  return (
    <label>
      <span>Devices <small>MQTT filters such as <code>site-a/#</code>, one in a line, at most {MOST_FILTERS}; empty for all devices</small></span>
      <textarea name="filters" rows={Math.max(2, value.split("\n").length)} defaultValue={value} autocomplete="off" spellcheck={false} />
    </label>
  );
}

export function NewPasswordField({ label, optional }: { label: string; optional?: boolean }) {
  return (
    <label>
      <span>{label} <small>at least 12 characters{optional && "; empty to keep it"}</small></span>
      <input name="password" type="password" autocomplete="new-password" required={!optional} />
    </label>
  );
}
