import assert from "node:assert/strict";
import { test } from "node:test";
import type { ViewName } from "../address/view";
import { VIEWS } from "../address/view";
import type { Me } from "../api/access";
import { sampleMe } from "../api/samples";
import { menuFor, offersView } from "./offers";

const viewsFor = (me: Me) => (Object.keys(VIEWS) as ViewName[]).filter((view) => offersView(me, view));

const admin = sampleMe();
const viewer = sampleMe({ role: "viewer", actions: ["read", "system", "keys", "password"] });
const filtered = sampleMe({ role: "operator", filters: ["site-a/#"], actions: ["read", "acknowledge", "silence", "resend", "keys", "password"] });

test("each caller is offered the views that the server allows", () => {
  assert.deepEqual(viewsFor(admin), ["overview", "devices", "inputs", "completeness", "pipeline", "users", "keys", "audit"]);
  assert.deepEqual(viewsFor(viewer), ["overview", "devices", "inputs", "completeness", "pipeline", "keys"]);
  assert.deepEqual(viewsFor(filtered), ["overview", "devices", "completeness", "keys"]);
});

test("the menu follows the actions, and not the role", () => {
  assert.deepEqual(menuFor(admin), ["sessions", "password", "keys", "users", "audit", "log out"]);
  assert.deepEqual(menuFor(viewer), ["sessions", "password", "keys", "log out"]);
  assert.deepEqual(menuFor({ ...viewer, role: "admin" }), menuFor(viewer));
  const external = sampleMe({ role: "viewer", actions: ["read", "system", "keys"] });
  assert.deepEqual(menuFor(external), ["sessions", "keys", "log out"], "whoever has no password here cannot change it");
});

test("without a session there is none to end", () => {
  assert.deepEqual(menuFor(sampleMe({ via: "key", actions: ["read"] })), []);
});

test("while there are no users, the menu has only the first one", () => {
  assert.deepEqual(menuFor(sampleMe({ username: null, via: "open", open: true })), ["first user"]);
});
