import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceQuery, isFiltered, NO_FILTER } from "./device-list";

test("fields of the filter that are empty are not asked for", () => {
  assert.deepEqual(deviceQuery(NO_FILTER, null, 0), { limit: "50" });
  assert.deepEqual(deviceQuery({ text: " rack 1 ", registered: "false" }, "site-a/lab", 50), { text: "rack 1", registered: "false", after: "site-a/lab", limit: "50" });
  assert.deepEqual([NO_FILTER, { text: " ", registered: "" }, { text: "", registered: "true" }].map(isFiltered), [false, false, true]);
});

test("as many devices are loaded again as are listed, up to what the server answers at once", () => {
  assert.deepEqual([0, 50, 120, 5000].map((count) => deviceQuery(NO_FILTER, null, count).limit), ["50", "50", "120", "1000"]);
});
