import assert from "node:assert/strict";
import { test } from "node:test";
import { rolesUpTo } from "./roles";

test("a key's role is no wider than its owner's", () => {
  assert.deepEqual(rolesUpTo("viewer"), ["viewer"]);
  assert.deepEqual(rolesUpTo("operator"), ["viewer", "operator"]);
  assert.deepEqual(rolesUpTo("admin"), ["viewer", "operator", "admin"]);
});
