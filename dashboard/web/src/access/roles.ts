import type { Role } from "../api/access";

/** From the one that may do the least. */
export const ROLES: Role[] = ["viewer", "operator", "admin"];

/** What each role may do, in words. */
export const ROLE_TEXTS: Record<Role, string> = {
  viewer: "sees everything",
  operator: "also acknowledges, silences, resends, adopts and commands devices",
  admin: "also adds users, devices and rules, and sees the audit",
};

/** The roles that may do no more than this one. */
export function rolesUpTo(role: Role): Role[] {
  return ROLES.slice(0, ROLES.indexOf(role) + 1);
}
