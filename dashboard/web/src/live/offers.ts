// What a caller is offered: nothing that the server would refuse anyway.

import type { Action, Me } from "../api/access";
import type { ViewName } from "../address/view";

/** What a caller must be allowed to do for a view; the other views are for everybody. */
const NEEDED: Partial<Record<ViewName, Action>> = { inputs: "system", pipeline: "system", users: "users", keys: "keys", audit: "audit" };

export function offersView({ actions }: Me, view: ViewName): boolean {
  const needed = NEEDED[view];
  return needed === undefined || actions.includes(needed);
}

export type MenuItem = "first user" | "sessions" | "password" | "keys" | "users" | "audit" | "log out";

/** What the menu has. While there are no users, it has only the first one to add. */
export function menuFor(me: Me): MenuItem[] {
  if (me.open) return ["first user"];
  const own: MenuItem[] = me.via === "session" ? ["sessions"] : [];
  const allowed = (["password", "keys", "users", "audit"] as const).filter((item) => me.actions.includes(item));
  return [...own, ...allowed, ...(me.via === "session" ? (["log out"] as const) : [])];
}
