import { useLayoutEffect, useRef } from "preact/hooks";
import { addUser, changeUser, type Role, type User } from "../api/access";
import { Problem } from "../ui/Facts";
import { useSubmit, type Field } from "../ui/submit";
import { FiltersField, NewPasswordField, RoleField } from "./Fields";
import { filtersFrom, filtersText } from "./filter-list";
import { ROLES } from "./roles";
import { userChanges } from "./user-changes";

interface Props {
  /** The one to change; without it one is added. */
  user?: User;
  /** The first user is an admin, and sees all devices. */
  isFirst?: boolean;
  finish(user: User): void;
  close?(): void;
}

/** Adds a user, or changes one. */
export function UserForm({ user, isFirst, finish, close }: Props) {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current!.querySelector<HTMLElement>("input, select")!.focus(), []);
  const { busy, problem, submit } = useSubmit(async (field) => finish(user ? await change(user, field) : await add(field)));
  const name = user ? "Change" : isFirst ? "Add the user and close the page" : "Add";
  return (
    <form
      ref={form}
      class="reply entry-form"
      aria-label={user ? `Change ${user.username}` : "Add a user"}
      onSubmit={submit}
      onKeyDown={(event) => close && event.key === "Escape" && (event.stopPropagation(), close())}
    >
      {!user && <label>Name<input name="username" maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} required /></label>}
      {!user && <NewPasswordField label="Password" />}
      {!isFirst && <RoleField roles={ROLES} value={user?.role ?? "viewer"} />}
      {!isFirst && <FiltersField value={filtersText(user?.filters ?? [])} />}
      <label><span>Email <small>optional</small></span><input name="email" type="email" autocomplete="off" defaultValue={user?.email ?? ""} /></label>
      {user && <NewPasswordField label="New password" optional />}
      {user && <p>Another password, role or selection of devices ends all sessions of this user.</p>}
      <Problem of={problem} what={user ? "Not changed" : "Not added"} />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{name}</button>
        {close && <button class="button" type="button" onClick={close}>Cancel</button>}
      </div>
    </form>
  );
}

// The form for the first user has neither a role nor filters.
function add(field: Field): Promise<User> {
  const role = (field("role") || "admin") as Role;
  const email = field("email").trim();
  return addUser({ username: field("username").trim(), email: email === "" ? null : email, password: field("password"), role, filters: filtersFrom(field("filters")) });
}

async function change(user: User, field: Field): Promise<User> {
  const wanted = { email: field("email").trim(), password: field("password"), role: field("role") as Role, filters: filtersFrom(field("filters")) };
  const changes = userChanges(user, wanted);
  return Object.keys(changes).length === 0 ? user : changeUser(user.username, changes);
}
