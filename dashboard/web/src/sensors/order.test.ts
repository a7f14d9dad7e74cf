import assert from "node:assert/strict";
import { test } from "node:test";
import type { SortName } from "../address/rows-view";
import { badness, inOrder, stillInOrder, type Sortable } from "./order";

const facts: (Sortable & { name: string })[] = [
  { name: "a", value: 3, measuredAtMs: 300, state: "fresh", alerting: false },
  { name: "b", value: 1, measuredAtMs: 100, state: "offline", alerting: false },
  { name: "c", value: 3, measuredAtMs: 200, state: "fresh", alerting: true },
  { name: "d", value: 2, measuredAtMs: 400, state: "stale", alerting: false },
];
const SORTS: SortName[] = ["name", "value", "age", "state"];
const orderOf = (sort: SortName, reversed = false) => inOrder(facts, { sort, reversed }, (one) => one).map(({ name }) => name).join("");

test("each order begins with what readers look for, and can be reversed", () => {
  assert.deepEqual(SORTS.map((sort) => orderOf(sort)), ["abcd", "acdb", "bcad", "cbda"]);
  assert.deepEqual(SORTS.map((sort) => orderOf(sort, true)), ["dcba", "bdac", "dacb", "adbc"]);
});

test("a list can be checked without ordering it", () => {
  const by = (sort: SortName) => stillInOrder(facts, { sort, reversed: false }, (one) => one);
  assert.deepEqual([by("name"), by("value")], [true, false]);
  const ordered = inOrder(facts, { sort: "age", reversed: true }, (one) => one);
  assert.ok(stillInOrder(ordered, { sort: "age", reversed: true }, (one) => one));
});

test("an open incident is worse than any state", () => {
  const ranks = (["fresh", "stale", "offline"] as const).map((state) => badness({ state, alerting: false }));
  assert.deepEqual([...ranks, badness({ state: "fresh", alerting: true })], [0, 1, 2, 3]);
});
