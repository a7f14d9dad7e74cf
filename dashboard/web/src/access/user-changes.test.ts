import assert from "node:assert/strict";
import { test } from "node:test";
import type { User } from "../api/access";
import { userChanges } from "./user-changes";

const ben: User = { username: "ben", email: "ben@localhost", role: "viewer", filters: ["site-a/#", "lab"], external: false, created_at: "2026-01-15T10:30:00Z", last_login_at: null };
const same = { email: "ben@localhost", password: "", role: "viewer", filters: ["lab", "site-a/#"] } as const;

test("a form that is sent unchanged changes nothing", () => {
  assert.deepEqual(userChanges(ben, { ...same, filters: [...same.filters] }), {});
  assert.deepEqual(userChanges({ ...ben, email: null, filters: [] }, { ...same, email: "", filters: [] }), {});
});

test("only what differs is sent, and an empty address removes it", () => {
  assert.deepEqual(userChanges(ben, { email: "", password: "four other short words", role: "admin", filters: [] }), {
    email: null, password: "four other short words", role: "admin", filters: [],
  });
  assert.deepEqual(userChanges({ ...ben, email: null }, { ...same, email: "b@localhost", filters: ben.filters }), { email: "b@localhost" });
});
