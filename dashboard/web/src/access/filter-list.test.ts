import assert from "node:assert/strict";
import { test } from "node:test";
import { filtersFrom, filtersText, isSameFilters } from "./filter-list";

test("filters stand in lines, or have commas or blanks between them", () => {
  assert.deepEqual(filtersFrom(" site-a/#\r\nsite-b/+ , lab,,\tsite-a/#\n"), ["site-a/#", "site-b/+", "lab"]);
  assert.deepEqual(filtersFrom(" \n"), []);
  assert.deepEqual(filtersFrom(filtersText(["site-a/#", "lab"])), ["site-a/#", "lab"]);
});

test("another order of filters is no change", () => {
  assert.equal(isSameFilters(["a", "b"], ["b", "a"]), true);
  assert.equal(isSameFilters(["a", "b"], ["a"]), false);
  assert.equal(isSameFilters([], ["#"]), false);
});
