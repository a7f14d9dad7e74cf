import assert from "node:assert/strict";
import { test } from "node:test";
import { badness, fold, inOrder, isClosed, listingFrom, PLAIN, stillInOrder, withListing } from "./rows-view";

test("a plain list needs no word in the address", () => {
  assert.deepEqual(listingFrom("?device=lab&metric=temperature"), PLAIN);
  assert.equal(withListing("?device=lab&metric=temperature", PLAIN), "?device=lab&metric=temperature");
  assert.equal(withListing("", PLAIN), "");
});

test("an address brings back what was listed, and keeps what is in the chart", () => {
  const listing = {
    view: "table",
    sort: "value",
    reversed: true,
    text: "rack-1 +/lab/#",
    states: ["stale", "offline"],
    alerting: true,
    metric: "humidity",
    grouped: false,
    folds: { allClosed: false, but: ["berlin", "oslo/rack-2"] },
  };
  const search = withListing("?device=berlin/rack-1/a&metric=temperature", listing);
  assert.match(search, /^\?device=berlin\/rack-1\/a&metric=temperature&view=table&sort=-value&/);
  assert.match(search, /closed=berlin,oslo\/rack-2$/);
  assert.deepEqual(listingFrom(search), listing);
  assert.equal(withListing(search, PLAIN), "?device=berlin/rack-1/a&metric=temperature");
});

test("that all groups are closed is said without naming them", () => {
  const closed = { ...PLAIN, folds: { allClosed: true, but: [] } };
  assert.equal(withListing("", closed), "?open=");
  assert.deepEqual(listingFrom("?open="), closed);
});

test("what an address says wrong is as if it were not there", () => {
  assert.deepEqual(listingFrom("?view=cube&sort=colour&state=happy&alerting=1&of="), PLAIN);
});

test("a group is opened and closed, from either beginning", () => {
  const one = fold({ allClosed: false, but: [] }, "berlin");
  assert.ok(isClosed(one, "berlin") && !isClosed(one, "oslo"));
  assert.ok(!isClosed(fold(one, "berlin"), "berlin"));
  const other = fold({ allClosed: true, but: [] }, "berlin");
  assert.ok(!isClosed(other, "berlin") && isClosed(other, "oslo"));
});

const facts = [
  { name: "a", value: 3, measuredAtMs: 300, state: "fresh", alerting: false },
  { name: "b", value: 1, measuredAtMs: 100, state: "offline", alerting: false },
  { name: "c", value: 3, measuredAtMs: 200, state: "fresh", alerting: true },
  { name: "d", value: 2, measuredAtMs: 400, state: "stale", alerting: false },
];
const orderOf = (sort, reversed = false) => inOrder(facts, { sort, reversed }, (one) => one).map(({ name }) => name).join("");

test("each order puts first what one looks for, and can be turned round", () => {
  assert.deepEqual(["name", "value", "age", "state"].map((sort) => orderOf(sort)), ["abcd", "acdb", "bcad", "cbda"]);
  assert.deepEqual(["name", "value", "age", "state"].map((sort) => orderOf(sort, true)), ["dcba", "bdac", "dacb", "adbc"]);
});

test("a list is known to be in order without ordering it", () => {
  const by = (sort) => stillInOrder(facts, { sort, reversed: false }, (one) => one);
  assert.deepEqual([by("name"), by("value")], [true, false]);
  const ordered = inOrder(facts, { sort: "age", reversed: true }, (one) => one);
  assert.ok(stillInOrder(ordered, { sort: "age", reversed: true }, (one) => one));
});

test("an alert is worse than any silence", () => {
  const ranks = ["fresh", "stale", "offline"].map((state) => badness({ state, alerting: false }));
  assert.deepEqual([...ranks, badness({ state: "fresh", alerting: true })], [0, 1, 2, 3]);
});
