import type { Role, User, UserChanges } from "../api/access";
import { isSameFilters } from "./filter-list";

/** A user as a form has it; an empty password keeps the one there is. */
export interface WantedUser {
  email: string;
  password: string;
  role: Role;
  filters: string[];
}

/** Only what differs: what is sent and is the same as before might end the user's sessions. */
export function userChanges(user: User, { email, password, role, filters }: WantedUser): UserChanges {
  return {
    ...(email !== (user.email ?? "") && { email: email === "" ? null : email }),
    ...(password !== "" && { password }),
    ...(role !== user.role && { role }),
    ...(!isSameFilters(filters, user.filters) && { filters }),
  };
}
