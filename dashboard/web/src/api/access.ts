// Logins, users, API keys and the audit.

import { get, send } from "./request";
import type { Answers, AuditRecord, CreatedKey, Key, LogIn, LoginMethods, Me, NewKey, NewPassword, NewUser, Role, Session, User, UserChanges } from "./types";

export type { Action } from "./types";
export type { AuditRecord, CreatedKey, Key, LoginMethods, Me, NewUser, Role, Session, User, UserChanges };

/** Who the caller is. */
export async function fetchMe(): Promise<Me> {
  return get("api/me");
}

/** How people may log in. */
export async function fetchLoginMethods(): Promise<LoginMethods> {
  return get("api/session/methods");
}

/** Throws a `Refusal`, which may say when to try again. */
export async function beginSession(login: LogIn): Promise<Me> {
  return (await send("POST", "api/session", login)).json();
}

/** Ends the session of this page. */
export async function endOwnSession(): Promise<void> {
  await send("DELETE", "api/session");
}

export async function changePassword(passwords: NewPassword): Promise<void> {
  await send("POST", "api/password", passwords);
}

/** The sessions of a user; without a name those of the caller. */
export async function fetchSessions(user: string | null): Promise<Session[]> {
  return (await get("api/sessions", user === null ? {} : { user })).sessions;
}

/** Ends a session of a user; without a name one of the caller. */
export async function endSession(id: string, user: string | null): Promise<void> {
  const query = user === null ? "" : `?${new URLSearchParams({ user })}`;
  await send("DELETE", `api/sessions/${encodeURIComponent(id)}${query}`);
}

export async function fetchUsers(): Promise<User[]> {
  return (await get("api/users")).users;
}

export async function addUser(user: NewUser): Promise<User> {
  return (await send("POST", "api/users", user)).json();
}

export async function changeUser(username: string, changes: UserChanges): Promise<User> {
  return (await send("PATCH", `api/users/${encodeURIComponent(username)}`, changes)).json();
}

export async function removeUser(username: string): Promise<void> {
  await send("DELETE", `api/users/${encodeURIComponent(username)}`);
}

export async function fetchKeys(): Promise<Key[]> {
  return (await get("api/keys")).keys;
}

/** The answer alone has the key itself. */
export async function addKey(key: NewKey): Promise<CreatedKey> {
  return (await send("POST", "api/keys", key)).json();
}

export async function revokeKey(id: string): Promise<void> {
  await send("DELETE", `api/keys/${encodeURIComponent(id)}`);
}

/** A page of the audit, newest first, and what to ask for the next page with. */
export async function fetchAuditPage(query: Record<string, string>): Promise<Answers["api/audit"]> {
  return get("api/audit", query);
}
