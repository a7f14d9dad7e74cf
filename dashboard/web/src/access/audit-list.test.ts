import assert from "node:assert/strict";
import { test } from "node:test";
import { auditQuery, isFiltered, NO_FILTER } from "./audit-list";

test("the server is asked only for what is filtered", () => {
  assert.deepEqual(auditQuery(NO_FILTER, null), { limit: "50" });
  assert.deepEqual(auditQuery({ ...NO_FILTER, actor: " ann ", target: " ", outcome: "refused" }, "c1"), { actor: "ann", outcome: "refused", after: "c1", limit: "50" });
});

test("blanks alone filter nothing", () => {
  assert.equal(isFiltered({ ...NO_FILTER, actor: " " }), false);
  assert.equal(isFiltered({ ...NO_FILTER, outcome: "done" }), true);
});
